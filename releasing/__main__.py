"""`python -m releasing build|publish`; arguments also come from the environment, where `make` places its variables."""

from __future__ import annotations

from pathlib import Path

import click

from .build import Arguments, build
from .checksums import files
from .commands import ReleaseError
from .image import Bases
from .provenance import LOCAL_BUILDER
from .publish import publish
from .signing import Signer


@click.group()
def main() -> None:
    """Build, sign and publish a release: docs/releasing.md."""


_dist = click.option("--dist", envvar="DIST", default="dist", show_default=True, type=click.Path(path_type=Path))
_key = click.option("--key", envvar="COSIGN_KEY", help="Key that signs, as cosign names one.")
_identity = click.option(
    "--identity", envvar="COSIGN_IDENTITY", is_flag=True, help="Sign with the identity that cosign finds."
)
_options = click.option("--cosign-options", envvar="COSIGN_OPTIONS", default="", help="Options for each signature.")


@main.command("build")
@_dist
@click.option(
    "--base-image", envvar="BASE_IMAGE", help="Image with Python that the operator runs on, as buildah names one."
)
@click.option(
    "--build-image", envvar="BUILD_IMAGE", help="Image with Python and pip that the packages are installed in."
)
@click.option(
    "--wheels", envvar="WHEELS", type=click.Path(path_type=Path, exists=True), help="Folder with the packages."
)
@click.option("--registry", envvar="REGISTRY", help="Registry, and folder in it, that the image will be in.")
@click.option("--home-url", envvar="HOME_URL", help="Home page, for the chart.")
@click.option("--source-url", envvar="SOURCE_URL", help="Sources, for the chart and the provenance.")
@click.option("--builder-id", envvar="BUILDER_ID", default=LOCAL_BUILDER, show_default=True, help="URI of the builder.")
@_key
@_identity
@_options
def _build(
    *,
    dist: Path,
    base_image: str | None,
    build_image: str | None,
    wheels: Path | None,
    registry: str | None,
    home_url: str | None,
    source_url: str | None,
    builder_id: str,
    key: str | None,
    identity: bool,
    cosign_options: str,
) -> None:
    """Build the release of the commit that is checked out."""
    for name, url in (("HOME_URL", home_url), ("SOURCE_URL", source_url)):
        if url and "@" in url.partition("://")[2].partition("/")[0]:
            raise ReleaseError(f"{name} has a user or a token, which would be published: remove it")
    if bool(base_image) != bool(build_image):
        raise ReleaseError("an image needs both BASE_IMAGE and BUILD_IMAGE; with neither, the release has no image")
    bases = Bases(base_image, build_image, wheels) if base_image and build_image else None
    signer = Signer(key, identity, cosign_options)
    remarks = build(Path.cwd(), dist, Arguments(bases, registry, home_url, source_url, builder_id, signer))
    for path in files(dist):
        click.echo(f"{path.stat().st_size / 1e6:9.2f} MB  {path}")
    for remark in remarks:
        click.echo(remark)


@main.command("publish")
@_dist
@click.option(
    "--registry", envvar="REGISTRY", required=True, help="Registry, and folder in it, that image and chart go to."
)
@click.option("--plain-http", envvar="PLAIN_HTTP", is_flag=True, help="The registry has no TLS.")
@_key
@_identity
@_options
def _publish(
    *, dist: Path, registry: str, plain_http: bool, key: str | None, identity: bool, cosign_options: str
) -> None:
    """Push image and chart, sign them, and attest bill of materials and provenance."""
    for reference in publish(dist, registry, Signer(key, identity, cosign_options), plain_http=plain_http):
        click.echo(reference)


if __name__ == "__main__":
    main(prog_name="python -m releasing")
