"""`mmctl`, also as `kubectl mm`: run the operator, or do with files what it does with a cluster, by the same code."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import yaml

from . import logs
from . import settings as operator_settings
from .api import Model
from .cluster import ApiError, Cluster, ConfigurationError, load_configuration
from .desired import render
from .desired.replicas import replicas
from .diff import difference
from .manifests import read
from .run import run as run_operator
from .settings import Settings
from .validate import problems
from .web import CannotListen
from .yamlfile import UnreadableFile


class _Settings(click.ParamType[Settings]):
    name = "file"

    def convert(self, value: Any, _param: Any, _context: Any) -> Settings:
        try:
            return operator_settings.load(Path(value))
        except operator_settings.InvalidSettings as error:
            self.fail(str(error))


settings_option = click.option(
    "--settings", type=_Settings(), help="YAML file with the operator's settings; the defaults without one."
)
file_option = click.option(
    "-f",
    "--file",
    "files",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    help="File or folder with MonitoredModels, or - for standard input; may be given more than once.",
)
namespace_option = click.option("-n", "--namespace", help="Namespace of models that name none.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="monitored-models")
def main() -> None:
    """Serve and monitor machine-learning models on Kubernetes."""


@main.command()
@settings_option
@click.option("-v", "--verbose", is_flag=True, help="Log more, kopf's own messages included.")
def run(settings: Settings | None, verbose: bool) -> None:
    """Run the operator, against KUBECONFIG, or the cluster that it runs in."""
    logs.to_stderr(verbose=verbose)
    try:
        run_operator(settings or Settings())
    except (ConfigurationError, CannotListen, ApiError) as error:
        raise click.ClickException(str(error)) from error


@main.command(name="render")
@file_option
@namespace_option
@settings_option
def render_command(files: tuple[Path, ...], namespace: str | None, settings: Settings | None) -> None:
    """Print the objects that the operator would make, as YAML. Needs no cluster."""
    used = settings or Settings()
    children = [
        child for model in _models(files, namespace, used) for child in render(model, used, replicas(model, None))
    ]
    click.echo(yaml.safe_dump_all(children, sort_keys=False, width=120, allow_unicode=True), nl=False)


@main.command()
@file_option
@namespace_option
@settings_option
def validate(files: tuple[Path, ...], namespace: str | None, settings: Settings | None) -> None:
    """Check files without a cluster. Exits with 1 when something is wrong, naming file, field and way out."""
    count = len(_models(files, namespace, settings or Settings()))
    click.echo(f"{count} MonitoredModel{'' if count == 1 else 's'} valid", err=True)


@main.command()
@file_option
@namespace_option
@settings_option
def diff(files: tuple[Path, ...], namespace: str | None, settings: Settings | None) -> None:
    """Show how the objects in the cluster would change. Exits with 1 when they would, with 2 on trouble."""
    used = settings or Settings()
    models = _models(files, namespace, used)
    try:
        text = asyncio.run(_differences(models, used))
    except (ConfigurationError, ApiError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    click.echo(text, nl=False)
    sys.exit(1 if text else 0)


async def _differences(models: Sequence[Model], settings: Settings) -> str:
    cluster = Cluster(await load_configuration())
    try:
        return "".join([await difference(model, settings, cluster) for model in models])
    finally:
        await cluster.close()


def _models(files: Sequence[Path], namespace: str | None, settings: Settings) -> list[Model]:
    """The models of the files, if every one is valid; else what is wrong goes to standard error, and the exit code is 1."""
    try:
        documents = read(files, namespace)
    except UnreadableFile as error:
        raise click.ClickException(str(error)) from error
    if not documents:
        raise click.ClickException("no MonitoredModel in " + ", ".join(map(str, files)))
    found = [
        f"{document.file}: {document.name}: {problem}"
        for document in documents
        for problem in problems(document.parsed, settings)
    ]
    if found:
        click.echo("\n".join(found), err=True)
        sys.exit(1)
    return [document.parsed for document in documents if isinstance(document.parsed, Model)]


if __name__ == "__main__":
    main()
