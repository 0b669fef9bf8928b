"""The commit that is released. Everything is built from an export of it, so that untracked files cannot take part."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass
from pathlib import Path

from .commands import ReleaseError, run


@dataclass(frozen=True)
class Source:
    """A commit, its time in seconds since 1970, and its version tags, without their `v`."""

    commit: str
    time: int
    tags: tuple[str, ...] = ()


def clean_commit(root: Path) -> Source:
    """The commit that is checked out. Raises ReleaseError if files differ from it."""
    if changed := run("git", "status", "--porcelain", cwd=root):
        raise ReleaseError(f"a release is built from a commit; commit, stash or remove first:\n{changed}")
    commit, time = run("git", "log", "-1", "--format=%H %ct", cwd=root).split()
    tags = run("git", "tag", "--points-at", commit, "v[0-9]*", cwd=root).split()
    return Source(commit, int(time), tuple(tag.removeprefix("v") for tag in tags))


def export(root: Path, source: Source, target: Path) -> None:
    """Write the commit's files into a folder, with the time of the commit and the same modes everywhere."""
    archive = target.with_suffix(".tar")
    run("git", "-c", "tar.umask=0022", "archive", f"--output={archive}", source.commit, cwd=root)
    with tarfile.open(archive) as tar:
        tar.extractall(target, filter="data")
    archive.unlink()
