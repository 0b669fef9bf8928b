"""SHA256SUMS, in the form of `sha256sum`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from .commands import ReleaseError

SUMS = "SHA256SUMS"


def sha256(path: Path) -> str:
    """The digest of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(folder: Path) -> None:
    """List the digests of all files in a folder."""
    (folder / SUMS).write_text("".join(f"{sha256(path)}  {path.name}\n" for path in files(folder)))


def verify(folder: Path) -> None:
    """Raise ReleaseError unless the listed files are present and unchanged."""
    if not (folder / SUMS).is_file():
        raise ReleaseError(f"{folder} has no {SUMS}: run `make release` first")
    listed = [line.split("  ", 1) for line in (folder / SUMS).read_text().splitlines()]
    if bad := [name for digest, name in listed if not (folder / name).is_file() or sha256(folder / name) != digest]:
        raise ReleaseError(f"{folder / SUMS} disagrees with {', '.join(bad)}: build the release again")


def files(folder: Path) -> Iterable[Path]:
    """The files of a folder, by name."""
    return sorted(path for path in folder.iterdir() if path.is_file())
