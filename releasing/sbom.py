"""The bill of materials in CycloneDX: what the lock file of the operator pins, and the library that is released with it.

Equal content has an equal serial number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement

_LICENSE = "Apache-2.0"
_DIGEST = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Pin:
    """One package of a lock file: its version, and the digests of its files."""

    name: str
    version: str
    digests: tuple[str, ...]
    everywhere: bool
    """Whether it is installed on every platform and Python."""


def pins(lock: str) -> Iterator[Pin]:
    """The packages of a lock file, as `uv pip compile` writes it."""
    for entry in re.sub(r"\\\n", " ", lock).splitlines():
        text = entry.split("--hash", 1)[0].strip()
        if text and not text.startswith("#"):
            requirement = Requirement(text)
            (pinned,) = requirement.specifier
            yield Pin(requirement.name, pinned.version, tuple(_DIGEST.findall(entry)), requirement.marker is None)


def bill(lock: str, *, version: str, time: int, library: Mapping[str, str]) -> str:
    """The bill of materials of the operator; `library` has the digests of the library's files by name."""
    root = _own(ComponentType.APPLICATION, "monitored-models", version, ())
    bom = Bom()
    bom.metadata.component = root
    bom.metadata.timestamp = datetime.fromtimestamp(time, UTC)
    packages = [_own(ComponentType.LIBRARY, "modelsignals", version, library.values()), *map(_component, pins(lock))]
    for package in packages:
        bom.components.add(package)
    bom.register_dependency(root, packages)
    bom.serial_number = uuid5(NAMESPACE_URL, f"{version} {time} {lock} {sorted(library.items())}")
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _own(kind: ComponentType, name: str, version: str, digests: Iterable[str]) -> Component:
    package = _component(Pin(name, version, tuple(digests), everywhere=True), kind)
    package.licenses.add(DisjunctiveLicense(id=_LICENSE))
    return package


def _component(pin: Pin, kind: ComponentType = ComponentType.LIBRARY) -> Component:
    url = PackageURL("pypi", name=pin.name, version=pin.version)
    files = ExternalReference(
        type=ExternalReferenceType.DISTRIBUTION,
        url=XsUri(str(url)),
        comment="the files of this version; an installation uses one of them",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in pin.digests],
    )
    return Component(
        type=kind,
        name=pin.name,
        version=pin.version,
        bom_ref=str(url),
        purl=url,
        scope=ComponentScope.REQUIRED if pin.everywhere else ComponentScope.OPTIONAL,
        external_references=[files] if pin.digests else [],
    )
