"""The decorators of every type that is read from YAML: spec, status, runtime profiles, settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, dataclass_transform

import pydantic
from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel, to_pascal

T = TypeVar("T")


def _alias(name: str) -> str:
    """The name in camelCase, with Kubernetes' capital initialisms, which pydantic's generator does not write."""
    return to_camel(name).replace("Cpu", "CPU")


def _decorator(*, by_name: bool, alias: Callable[[str], str] = _alias) -> Callable[[type[T]], type[T]]:
    config = ConfigDict(
        extra="forbid",
        strict=True,
        alias_generator=alias,
        validate_by_alias=True,
        validate_by_name=by_name,
        use_attribute_docstrings=True,
    )

    def decorate(of: type[T]) -> type[T]:
        dataclass_: Any = pydantic.dataclasses.dataclass(frozen=True, kw_only=True, config=config)(of)
        return dataclass_  # type: ignore[no-any-return]

    return decorate


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(Field,))
def spec_type(of: type[T]) -> type[T]:
    """A frozen value: camelCase on the wire, unknown fields rejected, no conversion between types."""
    return _decorator(by_name=False)(of)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(Field,))
def pascal_case_type(of: type[T]) -> type[T]:
    """A frozen value whose fields are names of things, in PascalCase on the wire: the alerts."""
    return _decorator(by_name=False, alias=to_pascal)(of)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(Field,))
def settings_type(of: type[T]) -> type[T]:
    """Like `spec_type`, but Python code may also pass fields by their Python names."""
    return _decorator(by_name=True)(of)


def wire_name(of: type[Any], attribute: str) -> str:
    """The name that a field has in YAML."""
    alias: str | None = of.__pydantic_fields__[attribute].alias
    return alias or attribute
