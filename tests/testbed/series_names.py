"""Checks that the name of each of our own series is written once, in naming/series.py: `python -m testbed.series_names`.

A name that is written a second time goes on as it was when the first one changes, and a rule or a panel is then empty.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "operator/monitored_models"
_NAME = re.compile(r"\bmonitored_models?_[a-z]")


def repeated(source: str) -> Iterator[int]:
    """Lines on which a string of the code holds a name of our own series. Docstrings may name them."""
    tree = ast.parse(source)
    docstrings = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in docstrings and _NAME.search(text):
                yield node.lineno


def places(package: Path) -> list[str]:
    """File and line of each name of a series that is written outside the room of names."""
    files = (path for path in sorted(package.rglob("*.py")) if package / "naming" not in path.parents)
    return [f"{path}:{line}" for path in files for line in repeated(path.read_text())]


def main() -> int:
    """Print each place, and return 1 where there is one."""
    found = places(PACKAGE)
    for place in found:
        print(f"{place}: use the constant of naming/series.py instead of the name of the series")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
