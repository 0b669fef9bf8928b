"""Types and defaults that the values of the chart share."""

from __future__ import annotations

from typing import Any

from pydantic import Field

Object = dict[str, Any]
Objects = list[Object]
Texts = dict[str, str]


def object_value(**content: Any) -> Any:
    """A map by default."""
    return Field(default_factory=lambda: dict(content))


def list_value(*items: Any) -> Any:
    """A list by default."""
    return Field(default_factory=lambda: list(items))
