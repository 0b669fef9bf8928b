"""The command `mmctl`, also `kubectl mm`: runs the operator, or processes files with the same code."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import yaml

from .. import settings as operator_settings
from ..api import InvalidSpec, Model, MonitoringProfile, ProfileSpec, parse, parse_profile
from ..api.fields import seconds
from ..api.layering import layers
from ..files.local_objects import LocalObject, LocalObjects, read
from ..files.yaml_loader import UnreadableFile
from ..kube.client import KubeClient, load_configuration
from ..kube.errors import ApiError, ConfigurationError
from ..process.operator import run as run_operator
from ..render.children import Child, render, render_profile, unmet_requests
from ..render.workload.replicas import replicas
from ..settings import Settings
from ..telemetry import logs
from ..telemetry.http_server import ListenError
from .diff import diff_model, diff_profile, settings_by_namespace, stored_profile
from .explain import explanation
from .validate import model_problems, profile_object_problems

PREVIEW_INSTALL = "pip install 'monitored-models[preview]'"


class _Settings(click.ParamType[Settings]):
    name = "file"

    def convert(self, value: Any, _param: Any, _context: Any) -> Settings:
        try:
            return operator_settings.load(Path(value))
        except operator_settings.InvalidSettings as error:
            self.fail(str(error))


class _Matching(click.ParamType[str]):
    """A text that matches a pattern; the error names an example."""

    def __init__(self, name: str, pattern: str, like: str) -> None:
        self.name, self._pattern, self._like = name, pattern, like

    def convert(self, value: Any, _param: Any, _context: Any) -> str:
        if not re.fullmatch(self._pattern, value):
            self.fail(f"{value!r} is no {self._like}")
        return str(value)


_ADDRESS = _Matching("url", r"https?://[^\s/?#]+(/[^\s?#]*)?", "address such as http://127.0.0.1:9090")
_LISTEN = _Matching(
    "host:port", r"([A-Za-z0-9.-]*|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}", "host and port such as 127.0.0.1:8090"
)


class _Duration(click.ParamType[str]):
    name = "duration"

    def convert(self, value: Any, _param: Any, _context: Any) -> str:
        try:
            seconds(value)
        except ValueError:
            self.fail(f"{value!r} is no duration such as 90m, 6h or 2d")
        return str(value)


class _Time(click.ParamType[float]):
    name = "time"

    def convert(self, value: Any, _param: Any, _context: Any) -> float:
        try:
            return float(value) if re.fullmatch(r"[0-9.]+", value) else datetime.fromisoformat(value).timestamp()
        except ValueError:
            self.fail(f"{value!r} is no time such as 2026-11-24T12:00:00Z")


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
    help="File or folder with MonitoredModels and MonitoringProfiles, or - for standard input; may be given more than once.",
)
namespace_option = click.option("-n", "--namespace", help="Namespace of objects that name none.")


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
    except (ConfigurationError, ListenError, ApiError) as error:
        raise click.ClickException(str(error)) from error


@main.command(name="render")
@file_option
@namespace_option
@settings_option
def render_command(files: tuple[Path, ...], namespace: str | None, settings: Settings | None) -> None:
    """Print the objects that the operator would make, as YAML. Needs no cluster."""
    used = settings or Settings()
    manifests = _read(files, namespace, used)
    children = [child for profile in manifests.profiles for child in _render_profile(profile, used)]
    children += [child for model in _models(manifests, used) for child in render(model, used, replicas(model, None))]
    click.echo(yaml.safe_dump_all(children, sort_keys=False, width=120, allow_unicode=True), nl=False)


@main.command()
@file_option
@namespace_option
@settings_option
def validate(files: tuple[Path, ...], namespace: str | None, settings: Settings | None) -> None:
    """Check files without a cluster. Exits with 1 when something is wrong, naming file, field and way out."""
    used = settings or Settings()
    manifests = _read(files, namespace, used)
    _models(manifests, used)
    counts = {"MonitoredModel": len(manifests.models), "MonitoringProfile": len(manifests.profiles)}
    told = (f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in counts.items() if count)
    click.echo(f"{' and '.join(told)} valid", err=True)


@main.command()
@file_option
@namespace_option
@settings_option
def diff(files: tuple[Path, ...], namespace: str | None, settings: Settings | None) -> None:
    """Show how the objects in the cluster would change. Exits with 1 when they would, with 2 on trouble."""
    used = settings or Settings()
    manifests = _read(files, namespace, used)
    try:
        text = asyncio.run(_differences(manifests, used))
    except (ConfigurationError, ApiError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    click.echo(text, nl=False)
    sys.exit(1 if text else 0)


@main.command()
@file_option
@namespace_option
@settings_option
def explain(files: tuple[Path, ...], namespace: str | None, settings: Settings | None) -> None:
    """Print what a model gets, what its runtime cannot give and why, and where each value comes from. Needs no cluster."""
    used = settings or Settings()
    manifests = _read(files, namespace, used)
    texts = []
    for document in manifests.models:
        shared = manifests.profile_of(document)
        model = _parsed(document, shared, used)
        assert isinstance(model, Model)
        own = document.body["spec"].get("monitoring") or {}
        texts.append(explanation(model, layers(own, shared, used.platform, model.spec.runtime)))
    click.echo("\n".join(texts), nl=False)


@main.group()
def dashboard() -> None:
    """Dashboards without Grafana."""


@dashboard.command()
@click.option(
    "-f",
    "--file",
    "files",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    help="Dashboard JSON, YAML with ConfigMaps that hold some, or MonitoredModels; a file or folder, or - for standard input.",
)
@click.option("--prometheus", required=True, type=_ADDRESS, help="Address of the Prometheus that is asked.")
@click.option(
    "--listen", default="127.0.0.1:8090", show_default=True, type=_LISTEN, help="Address and port of the page."
)
@click.option("--range", "length", type=_Duration(), help="How far to look back, as 6h; as the dashboard says without.")
@click.option("--end", type=_Time(), help="Where the range ends, as 2026-11-24T12:00:00Z or seconds; now without.")
@click.option(
    "--scrape-interval",
    "scrape",
    default="15s",
    show_default=True,
    type=_Duration(),
    help="How often targets are scraped, as Grafana's data source is told; $__rate_interval follows from it.",
)
@namespace_option
@settings_option
def preview(
    *,
    files: tuple[Path, ...],
    prometheus: str,
    listen: str,
    length: str | None,
    end: float | None,
    scrape: str,
    namespace: str | None,
    settings: Settings | None,
) -> None:
    """Show dashboards on a local page that only reads. Needs no Grafana and no cluster, but a Prometheus."""
    # Imported here, so that the operator never loads what only the preview needs, which may not be installed.
    try:
        from ..preview import dashboard_reader, server, sources  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"{(error.name or 'a package').partition('.')[0]} is not installed: {PREVIEW_INSTALL}"
        ) from error
    try:
        found = sources.found_in(files, namespace, settings or Settings())
        asked = server.Preview(dashboard_reader.dashboards(found), prometheus, listen, length or "", end, scrape)
        asyncio.run(server.run(asked, lambda address: click.echo(f"{address} shows the dashboards; Ctrl-C ends")))
    except (sources.NoDashboards, server.CannotServe) as error:
        raise click.ClickException(str(error)) from error


async def _differences(manifests: LocalObjects, settings: Settings) -> str:
    cluster = KubeClient(await load_configuration())
    try:
        used_in = await settings_by_namespace(settings, cluster)
        texts = [await diff_profile(_profile(each), used_in(each.namespace), cluster) for each in manifests.profiles]
        for document in manifests.models:
            shared = manifests.profile_of(document)
            if shared is None:
                shared = await stored_profile(cluster, document.namespace, document.profile)
            model = _model(document, shared, settings)
            texts.append(await diff_model(model, used_in(model.namespace), cluster))
        return "".join(texts)
    finally:
        await cluster.close()


def _read(files: Sequence[Path], namespace: str | None, settings: Settings) -> LocalObjects:
    """The objects of the files if all are valid; otherwise print the problems to standard error and exit with 1."""
    try:
        manifests = read(files, namespace)
    except UnreadableFile as error:
        raise click.ClickException(str(error)) from error
    if not manifests.models and not manifests.profiles:
        raise click.ClickException("no MonitoredModel in " + ", ".join(map(str, files)))
    wrong = [(profile, profile_object_problems(profile.body)) for profile in manifests.profiles]
    wrong += [
        (model, model_problems(_parsed(model, manifests.profile_of(model), settings), settings))
        for model in manifests.models
    ]
    found = [f"{document.file}: {document.name}: {problem}" for document, each in wrong for problem in each]
    if found:
        click.echo("\n".join(found), err=True)
        sys.exit(1)
    return manifests


def _models(manifests: LocalObjects, settings: Settings) -> list[Model]:
    """The models of valid files, each merged with its profile from the files."""
    return [_model(document, manifests.profile_of(document), settings) for document in manifests.models]


def _model(document: LocalObject, monitoring_profile: ProfileSpec | None, settings: Settings) -> Model:
    """A model of a valid file. Its unmet requests are printed to standard error."""
    model = _parsed(document, monitoring_profile, settings)
    assert isinstance(model, Model)
    for note in unmet_requests(model):
        click.echo(f"note: {document.file}: {document.name}: {note.message}", err=True)
    return model


def _profile(document: LocalObject) -> MonitoringProfile:
    """A profile of a valid file."""
    monitoring = parse_profile(document.body["spec"])
    assert not isinstance(monitoring, InvalidSpec)
    return MonitoringProfile(document.namespace, document.name, "", monitoring)


def _render_profile(document: LocalObject, settings: Settings) -> list[Child]:
    return render_profile(_profile(document), settings)


def _parsed(document: LocalObject, monitoring_profile: ProfileSpec | None, settings: Settings) -> Model | InvalidSpec:
    return parse(document.body, settings.platform, monitoring_profile)


if __name__ == "__main__":
    main()
