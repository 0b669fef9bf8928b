from __future__ import annotations

from pathlib import Path

from releasing import notes

CHANGELOG = """\
# Changelog

## [Unreleased]

## [1.1.0] - 2026-02-01

### Added
- A field, with
  more on a second line.

### Internal
- A test.

### Fixed
- A crash.

## [1.0.0] - 2026-01-01
- The first one.
"""


def test_a_section_ends_at_the_next_version() -> None:
    text = notes.section(CHANGELOG, "1.1.0")
    assert text is not None
    assert text.startswith("### Added")
    assert text.endswith("- A crash.")


def test_the_last_section_ends_with_the_file() -> None:
    assert notes.section(CHANGELOG, "1.0.0") == "- The first one."


def test_a_missing_or_empty_section_is_none() -> None:
    assert notes.section(CHANGELOG, "1.1") is None
    assert notes.section(CHANGELOG, "9.9.9") is None
    assert notes.section(CHANGELOG, "Unreleased") is None


def test_changes_have_kinds_that_artifact_hub_knows() -> None:
    text = notes.section(CHANGELOG, "1.1.0")
    assert text is not None
    assert list(notes.changes(text)) == [
        {"kind": "added", "description": "A field, with more on a second line."},
        {"kind": "fixed", "description": "A crash."},
    ]


def test_every_entry_of_our_changelog_becomes_a_change() -> None:
    changelog = (Path(__file__).parents[3] / "CHANGELOG.md").read_text()
    text = notes.section(changelog, notes.UNRELEASED)
    assert text is not None
    assert len(list(notes.changes(text))) == sum(line.startswith("- ") for line in text.splitlines())
