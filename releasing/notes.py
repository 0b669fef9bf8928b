"""Release notes: the section of CHANGELOG.md, for people and for Artifact Hub."""

from __future__ import annotations

import re
from collections.abc import Iterator

UNRELEASED = "Unreleased"
# The headings of Keep a Changelog are Artifact Hub's kinds of change, in lower case.
_KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")


def section(changelog: str, heading: str) -> str | None:
    """The text below `## [heading]`, up to the next version; None without such a heading, or if the text is empty."""
    found = re.search(rf"^## \[{re.escape(heading)}\][^\n]*\n(.*?)(?=^## |\Z)", changelog, re.DOTALL | re.MULTILINE)
    return (found[1].strip() or None) if found else None


def changes(notes: str) -> Iterator[dict[str, str]]:
    """The entries of a section as Artifact Hub's annotation has them."""
    for block in re.split(r"(?m)^### ", notes):
        kind, _, entries = block.partition("\n")
        if kind.strip() in _KINDS:
            for entry in re.split(r"(?m)^- ", entries)[1:]:
                yield {"kind": kind.strip().lower(), "description": " ".join(entry.split())}
