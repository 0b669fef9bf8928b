"""Field types of the spec: each bound, pattern and Kubernetes type that several fields share.

Every string, list and map that a user can write is bounded here, so that a spec has a largest size and the API
server can estimate the cost of the CEL rules. `crd.py` turns these annotations into the structural schema.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import promql_parser
import pydantic
from pydantic import Field

from . import kubernetes_types


@dataclass(frozen=True)
class IntOrString:
    """Marks a field that Kubernetes accepts as an integer or as a string of the given pattern."""

    pattern: str
    max_length: int
    maximum: int

    def __get_pydantic_json_schema__(self, _schema: Any, _handler: Any) -> dict[str, Any]:
        return {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "pattern": self.pattern,
            "maxLength": self.max_length,
            "minimum": 0,
            "maximum": self.maximum,
        }


@dataclass(frozen=True)
class MapKey:
    """Marks a list as a map by this field: the API server refuses two items with the same key."""

    field: str

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {
            **handler(schema),
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": [self.field],
        }


@dataclass(frozen=True)
class Kubernetes:
    """Marks a value whose schema is Kubernetes' own, taken from the vendored OpenAPI definitions."""

    name: str

    def __get_pydantic_json_schema__(self, _schema: Any, _handler: Any) -> dict[str, Any]:
        return dict(kubernetes_types.schemas()[self.name])


def _kubernetes(name: str) -> pydantic.AfterValidator:
    return pydantic.AfterValidator(lambda value: kubernetes_types.check(name, value))


def _int_or_string(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        # pydantic turns a ValueError into a message for the user, and lets a TypeError through.
        raise ValueError('must be an integer or a string: put quotes around it, like "0.5"')  # noqa: TRY004
    return value


def _quantity(value: int | str) -> str:
    in_bounds = 0 <= value <= MAX_AMOUNT if isinstance(value, int) else re.fullmatch(QUANTITY, value)
    if not in_bounds:
        raise ValueError("not a quantity: write a number with an optional suffix, like 500m, 2, 8Gi")
    return str(value)


def _percent_or_count(value: int | str) -> int | str:
    if isinstance(value, int):
        if not 0 <= value <= MAX_PODS:
            raise ValueError(f"must be from 0 to {MAX_PODS}")
    elif re.fullmatch(PERCENT, value) is None:
        raise ValueError("must be a number of pods, or a percentage from 0% to 100%")
    return value


MAX_AMOUNT = 10**15 - 1
MAX_PODS = 1000
DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
DNS_SUBDOMAIN = r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"
LABEL_VALUE = r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
LABEL_KEY = r"^([a-z0-9]([-.a-z0-9]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
# Amounts that the API server gives back as they are: none is rounded, none is capped.
QUANTITY = (
    r"^([0-9]{1,9}(\.[0-9]{1,3})?(k|M|G|Ki|Mi|Gi)?|[0-9]{1,6}(\.[0-9]{1,3})?(T|Ti)|[0-9]{1,3}(\.[0-9]{1,3})?(P|Pi)|"
    r"[0-9]{1,15}m?)$"
)
PERCENT = r"^([0-9]|[1-9][0-9]|100)%$"
PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
PROMETHEUS_LABEL = r"^[a-zA-Z_][a-zA-Z0-9_]*$"
METRIC = r"^[a-zA-Z_:][a-zA-Z0-9_:]*$"
DATA_KEY = r"^[-._a-zA-Z0-9]+$"
_HOST = r"[A-Za-z0-9]([-.A-Za-z0-9]*[A-Za-z0-9])?"
_MAILBOX = r"[A-Za-z0-9!#$%&'*+/=?^_`|~.-]+@" + _HOST
MAILBOX, MAILBOXES = rf"^{_MAILBOX}$", rf"^{_MAILBOX}(, ?{_MAILBOX})*$"
SMARTHOST = rf"^{_HOST}:[1-9][0-9]{{0,4}}$"
LOGIN = r"^[^\x00-\x1f\x7f{}]+$"
CHANNEL = r"^[#@]?[^\x00-\x20\x7f#@{}<>,]+$"
CLOCK, CLOCK_END = r"^([01][0-9]|2[0-3]):[0-5][0-9]$", r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
DURATION = r"^[1-9][0-9]{0,5}(ms|s|m|h)$"
AGE = r"^[1-9][0-9]{0,3}(h|d)$"
_TIME_OF_DAY = r"([01][0-9]|2[0-3]):[0-5][0-9]"
TIMESTAMP = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    rf"T{_TIME_OF_DAY}:[0-5][0-9](\.[0-9]{{1,9}})?(Z|[+-]{_TIME_OF_DAY})$"
)

ObjectName = Annotated[str, Field(pattern=DNS_SUBDOMAIN, max_length=253)]
DnsLabel = Annotated[str, Field(pattern=DNS_LABEL, max_length=63)]
LabelValue = Annotated[str, Field(pattern=LABEL_VALUE, max_length=63)]
DisplayText = Annotated[str, Field(pattern=PRINTABLE, max_length=128)]
MetricName = Annotated[str, Field(pattern=METRIC, max_length=200)]
Port = Annotated[int, Field(ge=1, le=65535)]
UrlPath = Annotated[str, Field(pattern=r"^/[A-Za-z0-9_./~%&=?+-]*$", max_length=256)]
AbsolutePath = Annotated[str, Field(pattern=r"^(/[^/:\x00-\x1f\x7f]+)+$", max_length=512)]
Duration = Annotated[str, Field(pattern=DURATION, max_length=8)]
"""A Prometheus duration of one unit: 500ms, 30s, 5m, 1h."""
Age = Annotated[str, Field(pattern=AGE, max_length=5)]
"""A long time: 12h, 30d."""
Seconds = Annotated[int, Field(ge=1, le=86400)]
UnixId = Annotated[int, Field(ge=1, le=2147483647)]
Quantity = Annotated[
    int | str,
    IntOrString(QUANTITY, 32, MAX_AMOUNT),
    pydantic.BeforeValidator(_int_or_string),
    pydantic.AfterValidator(_quantity),
]
PercentOrCount = Annotated[
    int | str,
    IntOrString(PERCENT, 4, MAX_PODS),
    pydantic.BeforeValidator(_int_or_string),
    pydantic.AfterValidator(_percent_or_count),
]
ResourceMap = Annotated[dict[str, Quantity], Field(max_length=16)]
Severity = Literal["critical", "warning", "info"]

EnvVar = Annotated[dict[str, Any], Kubernetes("EnvVar"), _kubernetes("EnvVar")]
EnvFromSource = Annotated[dict[str, Any], Kubernetes("EnvFromSource"), _kubernetes("EnvFromSource")]
Toleration = Annotated[dict[str, Any], Kubernetes("Toleration"), _kubernetes("Toleration")]
Affinity = Annotated[dict[str, Any], Kubernetes("Affinity"), _kubernetes("Affinity")]
TopologySpreadConstraint = Annotated[
    dict[str, Any], Kubernetes("TopologySpreadConstraint"), _kubernetes("TopologySpreadConstraint")
]


def seconds(duration: str) -> float:
    """A Prometheus duration such as 90s, 250ms or 1h30m, in seconds. Raises ValueError for any other text."""
    # The library also reads numbers without a unit as seconds, and panics for some, such as inf.
    if not (duration[:1].isdigit() and duration[-1:].isalpha()):
        raise ValueError(f"not a duration: {duration!r}; write a number with a unit, like 30s")
    try:
        length: float = promql_parser.parse_duration(duration).total_seconds()
    except OverflowError as error:
        raise ValueError(f"duration too long: {duration!r}") from error
    return int(length) if length.is_integer() else length  # rules contain it as text
