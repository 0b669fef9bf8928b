"""Pages of which one part is the last result of a measurement."""

from __future__ import annotations

from pathlib import Path

_BEGIN, _END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"


def put(page: Path, text: str) -> None:
    """Replace the measured part of a page. Raises ValueError where it has none."""
    head, rest = page.read_text().split(_BEGIN)
    _, tail = rest.split(_END)
    page.write_text(f"{head}{_BEGIN}{text}{_END}{tail}")
