"""Texts that are one dashboard's alone, and the gaps that are left for them while it is made.

Dashboards of a kind differ in little but the names of their models. With gaps instead of names their parts are equal, and
are made once for all of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property

_GAPS = ("\ue000", "\ue001", "\ue002")


@dataclass(frozen=True)
class Placeholders:
    """The texts, each of which has a gap."""

    texts: tuple[str, ...]

    @cached_property
    def _pairs(self) -> tuple[tuple[str, str, str, str], ...]:
        """Text and gap, and both as they stand in JSON."""
        pairs = zip(self.texts, _GAPS, strict=False)
        return tuple((text, gap, json.dumps(text)[1:-1], json.dumps(gap)[1:-1]) for text, gap in pairs)

    def without(self, text: str) -> str:
        """The text with gaps."""
        for own, gap, _, _ in self._pairs:
            text = text.replace(own, gap)
        return text

    def within(self, made: str) -> str:
        """JSON with its gaps filled."""
        for _, _, own, gap in self._pairs:
            made = made.replace(gap, own)
        return made


def has_none(*texts: str) -> bool:
    """Whether nothing in the texts, which are partly users', would be taken for a gap."""
    return not any(gap in text for gap in _GAPS for text in texts)
