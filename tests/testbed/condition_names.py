"""Checks that types and reasons of conditions are written once, in naming/conditions.py: `python -m testbed.condition_names`.

A name of several words, such as WorkloadReady, is found wherever code contains it. A name that is also an ordinary word,
such as Ready, is found where only a type or a reason can stand: in a comparison or a selector, or as an argument.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from monitored_models.naming import conditions

PACKAGE = Path(__file__).parents[2] / "operator/monitored_models"
HOMES = ("naming/conditions.py", "api/model.py")
"""Where the names are defined; the parser cannot import `naming`."""
OF_KUBERNETES = {"cache/workload_status.py": {"ProgressDeadlineExceeded"}}
"""Names that Kubernetes uses as well, in the files that mean its own."""

TYPES = {value for value in vars(conditions).values() if isinstance(value, str) and value.isalpha()}
REASONS = {value for name, value in vars(conditions.Reason).items() if name.isupper()}
NAMES = TYPES | REASONS
SEVERAL_WORDS = re.compile("|".join(rf"(?<!`)\b{name}\b" for name in NAMES if re.search(r".[A-Z]", name)))
IN_SELECTOR = re.compile(rf"[=~]\s*[\"'][^\"']*\b({'|'.join(NAMES)})\b")
"""A name in PromQL or in a JSONPath. In backticks, a name is part of a text for people."""
KEYS = {"condition", "reason", "type"}
CALLS = {"Cause", "ChildProblem", "ConditionState", "DashboardCheck", "Outage", "ReasonDoc", "UnmetRequest"}
CALLS |= {"condition", "true"}
"""Functions with a type or a reason among their arguments."""


def repeated(source: str, ignored: Iterable[str] = ()) -> Iterator[int]:
    """Lines on which code contains the type or a reason of a condition as text. Docstrings may name them."""
    tree = ast.parse(source)
    texts = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts |= {id(name) for node in ast.walk(tree) if _is_all(node) for name in ast.walk(node)}
    expected = {id(found) for node in ast.walk(tree) for found in _expected(node)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in texts and text not in ignored:
                if SEVERAL_WORDS.search(text) or IN_SELECTOR.search(text) or (id(node) in expected and text in NAMES):
                    yield node.lineno


def _is_all(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "__all__"


def _expected(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below this one in whose place a type or a reason is expected."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name.lstrip("_") in CALLS:
            yield from (*node.args, *(keyword.value for keyword in node.keywords))
        case ast.keyword(arg=name) if name in KEYS:
            yield node.value
        case ast.Compare() if any(_names_key(part) for part in ast.walk(node)):
            yield from ast.walk(node)
        case ast.Dict():
            yield from (value for key, value in zip(node.keys, node.values, strict=True) if key and _names_key(key))
        case ast.Tuple() | ast.List() | ast.Set():
            values = [item.value for item in node.elts if isinstance(item, ast.Constant)]
            if KEYS.intersection(values) or (len(values) > 1 and NAMES.issuperset(values)):
                yield from node.elts


def _names_key(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(attr=name) | ast.Constant(value=str(name)) | ast.Name(id=name):
            return name in KEYS
    return False


def main(package: Path = PACKAGE) -> int:
    """Print each place, and return 1 if there is one."""
    files = {str(path.relative_to(package)): path for path in sorted(package.rglob("*.py"))}
    places = [
        f"{path}:{line}"
        for name, path in files.items()
        if name not in HOMES
        for line in repeated(path.read_text(), OF_KUBERNETES.get(name, ()))
    ]
    for place in places:
        print(f"{place}: use the constant of naming/conditions.py instead of the name of the type or reason")
    return 1 if places else 0


if __name__ == "__main__":
    sys.exit(main())
