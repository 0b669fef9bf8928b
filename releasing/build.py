"""Builds a release: from a commit to the files in `dist/`, in the order in which they depend on each other."""

from __future__ import annotations

import json
import platform
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version as installed
from pathlib import Path

import yaml

from . import chart, checksums, image, notes, provenance, python_packages, sbom, signing, source, version
from .commands import ReleaseError, run
from .provenance import Resource

DEFAULT_REGISTRY = "docker.io/library"
"""What a container runtime takes for a name without a registry, which is the chart's default."""
LOCKS = tuple(Path(f"requirements/{name}.txt") for name in ("build", "dev", "operator"))
NOTES = "RELEASE_NOTES.md"
_FOLDER = re.compile(r"^(oci-archive|docker-archive|oci|dir):.*/")


@dataclass(frozen=True)
class Arguments:
    """What the maintainer decides."""

    bases: image.Bases | None = None
    registry: str | None = None
    home: str | None = None
    sources: str | None = None
    builder: str = provenance.LOCAL_BUILDER
    signer: signing.Signer = field(default_factory=signing.Signer)

    def parameters(self) -> Mapping[str, str]:
        """The arguments that change files, under make's names. Local folders are left out: they say nothing to a reader."""
        named = {"REGISTRY": self.registry, "HOME_URL": self.home, "SOURCE_URL": self.sources}
        if self.bases:
            named |= {"BASE_IMAGE": self.bases.runtime, "BUILD_IMAGE": self.bases.build}
        return {name: _FOLDER.sub(r"\1:", value) for name, value in named.items() if value}


@dataclass(frozen=True)
class _Release:
    tree: Path
    out: Path
    commit: source.Source
    version: str
    notes: str

    @property
    def stem(self) -> str:
        return f"monitored-models-{self.version}"


def build(root: Path, dist: Path, arguments: Arguments) -> list[str]:
    """Build the commit that is checked out, and replace `dist` with the result. Returns what the maintainer should know."""
    if dist.exists() and (not dist.is_dir() or (any(dist.iterdir()) and not (dist / checksums.SUMS).is_file())):
        raise ReleaseError(f"DIST={dist} would be replaced, but is not a release: name a new or an empty folder")
    commit = source.clean_commit(root)
    with tempfile.TemporaryDirectory(prefix="monitored-models-release-") as temporary:
        tree, out = Path(temporary, "tree"), Path(temporary, "dist")
        out.mkdir()
        source.export(root, commit, tree)
        number = _version(tree, commit)
        text, remarks = _notes(tree, number, commit)
        release = _Release(tree, out, commit, number, text)

        (out / NOTES).write_text(text + "\n")
        python_packages.build(tree, out, commit.time)
        _bill(release)
        _chart(release, arguments)
        built = _image(release, arguments)
        _provenance(release, arguments, built)
        checksums.write(out)
        if arguments.signer:
            signing.sign_files(out, arguments.signer)
        new = dist.absolute().with_name(f"{dist.absolute().name}.new")
        shutil.rmtree(new, ignore_errors=True)
        shutil.copytree(out, new)
        shutil.rmtree(dist, ignore_errors=True)
        new.rename(dist)
    if not built:
        remarks.append("no image: set BASE_IMAGE and BUILD_IMAGE")
    if not arguments.signer:
        remarks.append("not signed: set COSIGN_KEY or COSIGN_IDENTITY=1")
    return remarks


def _version(tree: Path, commit: source.Source) -> str:
    number = version.version(tree)
    problems = list(version.disagreements(tree))
    if commit.tags and number not in commit.tags:
        problems.append(f"the commit has the tag v{commit.tags[0]}, but {version.OPERATOR} has version {number}")
    if problems:
        raise ReleaseError("a release has one version:\n" + "\n".join(problems))
    return number


def _notes(tree: Path, number: str, commit: source.Source) -> tuple[str, list[str]]:
    """The section of the version; before it exists, that of unreleased changes, with a remark."""
    changelog = (tree / "CHANGELOG.md").read_text()
    if text := notes.section(changelog, number):
        return text, []
    text = notes.section(changelog, notes.UNRELEASED)
    if commit.tags or not text:
        raise ReleaseError(
            f"CHANGELOG.md has no section `## [{number}]`: rename [{notes.UNRELEASED}] to it, with a date"
        )
    return text, [
        f"not to be published: CHANGELOG.md has no section [{number}], the notes are those of [{notes.UNRELEASED}]"
    ]


def _bill(release: _Release) -> None:
    library = {path.name: checksums.sha256(path) for path in sorted(release.out.glob("modelsignals-*"))}
    lock = (release.tree / "requirements/operator.txt").read_text()
    text = sbom.bill(lock, version=release.version, time=release.commit.time, library=library)
    (release.out / f"{release.stem}.cdx.json").write_text(text)


def _chart(release: _Release, arguments: Arguments) -> None:
    path = release.tree / version.CHART
    if arguments.registry:
        values = path.parent / "values.yaml"
        values.write_text(chart.with_registry(values.read_text(), arguments.registry))
    described = chart.metadata(
        yaml.safe_load(path.read_text()),
        changes=notes.changes(release.notes),
        image=f"{arguments.registry}/monitored-models:{release.version}" if arguments.registry else None,
        home=arguments.home,
        sources=arguments.sources,
    )
    path.write_text(yaml.safe_dump(described, sort_keys=False, width=120, allow_unicode=True))
    chart.package(path.parent, release.out, release.commit.time)
    chart.render(path.parent, release.out / f"{release.stem}.yaml")


def _image(release: _Release, arguments: Arguments) -> image.Built | None:
    if arguments.bases is None:
        return None
    return image.build(
        release.tree,
        release.out / f"{release.stem}-linux-{image.ARCHITECTURE}.oci.tar",
        name=f"{arguments.registry or DEFAULT_REGISTRY}/monitored-models:{release.version}",
        version=release.version,
        commit=release.commit.commit,
        time=release.commit.time,
        bases=arguments.bases,
    )


def _provenance(release: _Release, arguments: Arguments, built: image.Built | None) -> None:
    tools = {"python": platform.python_version(), "helm": run("helm", "version", "--short")}
    tools |= {package: installed(package) for package in ("uv", "hatchling", "cyclonedx-python-lib")}
    subjects = [Resource(path.name, {"sha256": checksums.sha256(path)}) for path in checksums.files(release.out)]
    dependencies = [Resource(str(path), {"sha256": checksums.sha256(release.tree / path)}) for path in LOCKS]
    if built:
        tools["buildah"] = run("buildah", "--version")
        subjects.append(Resource(built.name, _by_algorithm(built.digest)))
        dependencies += [Resource(argument, _by_algorithm(digest)) for argument, digest in built.bases.items()]
    statement = provenance.statement(
        subjects,
        commit=release.commit.commit,
        sources=arguments.sources,
        parameters=arguments.parameters(),
        dependencies=dependencies,
        builder=arguments.builder,
        tools=tools,
    )
    (release.out / signing.PROVENANCE).write_text(json.dumps(statement, indent=2) + "\n")


def _by_algorithm(digest: str) -> dict[str, str]:
    algorithm, _, value = digest.partition(":")
    return {algorithm: value}
