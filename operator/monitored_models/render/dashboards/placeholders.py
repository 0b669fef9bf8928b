"""Placeholders for the texts that are unique to one dashboard, used while it is rendered.

Dashboards of one runtime differ in little but the names of their models. With placeholders instead of names, their
parts are equal, and each part is rendered once for all of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property

_GAPS = ("\ue000", "\ue001", "\ue002")


@dataclass(frozen=True)
class Placeholders:
    """The unique texts of a dashboard, each with its placeholder."""

    texts: tuple[str, ...]

    @cached_property
    def _pairs(self) -> tuple[tuple[str, str, str, str], ...]:
        """Text and placeholder, and both escaped for JSON."""
        pairs = zip(self.texts, _GAPS, strict=False)
        return tuple((text, gap, json.dumps(text)[1:-1], json.dumps(gap)[1:-1]) for text, gap in pairs)

    def without(self, text: str) -> str:
        """Replace the unique texts by placeholders."""
        for own, gap, _, _ in self._pairs:
            text = text.replace(own, gap)
        return text

    def within(self, text: str) -> str:
        """Replace the placeholders in JSON by the unique texts."""
        for _, _, own, gap in self._pairs:
            text = text.replace(gap, own)
        return text


def has_none(*texts: str) -> bool:
    """Whether the texts, which users may write, contain no placeholder."""
    return not any(gap in text for gap in _GAPS for text in texts)
