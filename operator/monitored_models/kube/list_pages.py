"""Pages of a list: decoded one item at a time, and as large as their items allow."""

from __future__ import annotations

import json
from typing import Any

PAGE_BYTES, FIRST_PAGE, LARGEST_PAGE = 2_000_000, 25, 200
"""Target bytes per list page, estimated from the previous page's objects; objects on the first and the largest page."""


class ListPage:
    """A page of a list, decoded one item at a time: at once, a page of large objects would block the event loop.

    Raises ValueError for a text that is not JSON.
    """

    _ITEMS = '"items":['
    _decoder = json.JSONDecoder()

    def __init__(self, text: str) -> None:
        self._text = text
        begin = text.find(self._ITEMS)  # inside a string the quotation marks would be escaped
        self._position = begin + len(self._ITEMS) if begin >= 0 else len(text)

    def next(self) -> dict[str, Any] | None:
        """The next item, or None if none is left."""
        if self._text[self._position : self._position + 1] not in ("{", ","):
            return None
        begin = self._position + (self._text[self._position] == ",")
        item, self._position = self._decoder.raw_decode(self._text, begin)
        return dict(item)

    def metadata(self) -> dict[str, Any]:
        """The metadata of the list. Call only after all items have been read."""
        begin = self._text.find(self._ITEMS)
        rest = self._text[: begin + len(self._ITEMS)] + self._text[self._position :] if begin >= 0 else self._text
        decoded = json.loads(rest)
        if decoded.get("items"):
            raise ValueError("items of the list were not read: it is not the compact JSON of an API server")
        found: dict[str, Any] = decoded["metadata"]
        return found


def next_limit(items: int, size: int) -> int:
    """How many items the next page should have, from the size in bytes of those of the last one."""
    return max(1, min(LARGEST_PAGE, items * PAGE_BYTES // max(size, 1))) if items else FIRST_PAGE
