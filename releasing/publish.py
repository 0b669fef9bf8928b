"""Pushes image and chart to a registry, signs them by digest, and attests the bill of materials and the provenance."""

from __future__ import annotations

import json
import tarfile
import tempfile
from pathlib import Path

from . import checksums
from .commands import ReleaseError, run
from .signing import PROVENANCE, Signer, sign_pushed

CHARTS = "charts"
"""Folder of the chart in the registry: its name and tag are those of the image."""


def publish(dist: Path, registry: str, signer: Signer, *, plain_http: bool) -> list[str]:
    """Publish what `make release` built. Returns the references by digest."""
    if not signer:
        raise ReleaseError("what is published is signed: set COSIGN_KEY or COSIGN_IDENTITY=1")
    checksums.verify(dist)
    with tempfile.TemporaryDirectory(prefix="monitored-models-publish-") as temporary:
        folder = Path(temporary)
        predicate = folder / "predicate.json"
        predicate.write_text(json.dumps(json.loads((dist / PROVENANCE).read_text())["predicate"]))
        provenance = ("slsaprovenance1", predicate)
        bill = ("cyclonedx", _only(dist, "*.cdx.json"))
        image = _push_image(_only(dist, "*.oci.tar"), registry, folder / "layout", plain_http=plain_http)
        sign_pushed(image, signer, [bill, provenance], plain_http=plain_http)
        chart = _push_chart(_only(dist, "monitored-models-*.tgz"), registry, plain_http=plain_http)
        sign_pushed(chart, signer, [provenance], plain_http=plain_http)
    return [image, chart]


def _push_image(archive: Path, registry: str, layout: Path, *, plain_http: bool) -> str:
    with tarfile.open(archive) as tar:
        tar.extractall(layout, filter="data")
    (manifest,) = json.loads((layout / "index.json").read_text())["manifests"]
    tag = manifest["annotations"]["org.opencontainers.image.ref.name"].rpartition(":")[2]
    name = f"{registry}/monitored-models"
    run("crane", "push", *_insecure(plain_http), layout, f"{name}:{tag}")
    return f"{name}@{manifest['digest']}"


def _push_chart(archive: Path, registry: str, *, plain_http: bool) -> str:
    run("helm", "push", *(["--plain-http"] if plain_http else []), archive, f"oci://{registry}/{CHARTS}")
    name, _, tag = archive.name.removesuffix(".tgz").rpartition("-")
    pushed = f"{registry}/{CHARTS}/{name}"
    return f"{pushed}@{run('crane', 'digest', *_insecure(plain_http), f'{pushed}:{tag}')}"


def _insecure(plain_http: bool) -> list[str]:
    return ["--insecure"] if plain_http else []


def _only(dist: Path, pattern: str) -> Path:
    found = list(dist.glob(pattern))
    if len(found) != 1:
        raise ReleaseError(
            f"{dist} has {len(found)} files {pattern} instead of one: run `make release` with BASE_IMAGE and BUILD_IMAGE"
        )
    return found[0]
