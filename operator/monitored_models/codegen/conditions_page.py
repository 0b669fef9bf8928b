"""The tables of docs/conditions.md, generated from the table of conditions. The prose around them is written by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..status.condition_spec import ConditionSpec, ReasonDoc
from ..status.conditions import CONDITIONS

_BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_OVERVIEW = "conditions"
"""Name of the block that lists the conditions. Every other block has the name of a condition, and lists its reasons."""


def conditions_page(page: str, table: Sequence[ConditionSpec] = CONDITIONS) -> str:
    """The page with its generated blocks filled. A block lists only the reasons that no block above it lists.

    Raises ValueError if the page lacks a block, or has one of no condition.
    """
    reasons = {spec.type: spec.reasons for spec in table}
    blocks = {match[2] for match in _BLOCK.finditer(page)}
    if blocks - reasons.keys() != {_OVERVIEW}:
        raise ValueError(f"docs/conditions.md: one generated block is {_OVERVIEW}, the others are conditions: {blocks}")
    listed: set[ReasonDoc] = set()

    def fill(block: re.Match[str]) -> str:
        if block[2] == _OVERVIEW:
            text = conditions_table(table)
        else:
            text = reasons_table(doc for doc in reasons[block[2]] if doc not in listed)
            listed.update(reasons[block[2]])
        return f"{block[1]}\n{text}\n\n{block[3]}"

    filled = _BLOCK.sub(fill, page)
    if missing := [f"{kind} ({doc.reason})" for kind, docs in reasons.items() for doc in docs if doc not in listed]:
        raise ValueError(f"docs/conditions.md has no block `<!-- generated: TYPE -->` for {', '.join(missing)}")
    return filled


def conditions_table(table: Iterable[ConditionSpec]) -> str:
    """The conditions, and what True means for each."""
    return "\n".join(
        ["| condition | True means |", "|---|---|", *(f"| `{spec.type}` | {spec.true_means} |" for spec in table)]
    )


def reasons_table(docs: Iterable[ReasonDoc]) -> str:
    """Reasons, with meaning and fix."""
    rows = (f"| `{doc.reason}` | {doc.meaning} | {doc.fix}{' ' if doc.fix else ''}|" for doc in docs)
    return "\n".join(["| reason | meaning | fix |", "|---|---|---|", *rows])
