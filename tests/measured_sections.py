"""Measurements by hand: pages of which one part is the last result."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

_BEGIN, _END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"


def put(page: Path, text: str) -> None:
    """Replace the measured part of a page. Raises ValueError where it has none."""
    head, rest = page.read_text().split(_BEGIN)
    _, tail = rest.split(_END)
    page.write_text(f"{head}{_BEGIN}{text}{_END}{tail}")


def conclude(text: str, page: Path | None, *, alarm: bool) -> NoReturn:
    """Print a result, put it into a page if one is given, and exit: with 1 when there was an alarm."""
    print(text)
    if page:
        put(page, text)
    sys.exit(alarm)
