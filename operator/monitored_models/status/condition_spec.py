"""A condition as one value: when it is present, how it is evaluated, and its documentation.

The checks of a condition are evaluated in order, and the first cause wins. The list is the documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .status_input import Cause, StatusInput

Check = Callable[[StatusInput], Cause | None]
"""Returns why a condition is not True, or None."""
StoredCondition = Mapping[str, Any]
"""The condition in the stored status; empty if absent."""


@dataclass(frozen=True)
class ReasonDoc:
    """A row of docs/conditions.md: a reason, its meaning and what to do."""

    reason: str
    meaning: str
    fix: str = ""


@dataclass(frozen=True)
class ConditionState:
    """Status, reason and message of a condition."""

    status: str
    reason: str
    message: str


def true(reason: str, message: str) -> ConditionState:
    """The state of a condition that is True."""
    return ConditionState("True", reason, message)


def always(_s: StatusInput) -> bool:
    """The default of a condition: present in every status, and its state is known."""
    return True


def unknown(cause: Cause, _stored: StoredCondition) -> ConditionState | None:
    """The default for an invalid spec: nothing is known."""
    return ConditionState("Unknown", cause.reason, "the spec cannot be understood")


def unknown_if_stored(cause: Cause, stored: StoredCondition) -> ConditionState | None:
    """For an invalid spec: Unknown if the stored status has the condition, else absent."""
    return unknown(cause, stored) if stored else None


def absent(_cause: Cause, _stored: StoredCondition) -> ConditionState | None:
    """For an invalid spec: the condition disappears."""
    return None


def first_cause(checks: Iterable[Check], s: StatusInput) -> Cause | None:
    """The cause of the first check that returns one."""
    return next((cause for check in checks if (cause := check(s))), None)


@dataclass(frozen=True, kw_only=True)
class ConditionSpec:
    """One condition type."""

    type: str
    true_means: str
    """What True means, as Markdown for docs/conditions.md."""
    reasons: tuple[ReasonDoc, ...]
    """All its reasons, in the order of the checks."""
    checks: tuple[Check, ...] = ()
    """Why it is not True: the first cause wins."""
    otherwise: Callable[[StatusInput], ConditionState]
    """The state if no check returns a cause: mostly True."""
    is_present: Callable[[StatusInput], bool] = always
    is_known: Callable[[StatusInput], bool] = always
    """Whether its state is known. Until then the stored condition stays as it is."""
    on_invalid_spec: Callable[[Cause, StoredCondition], ConditionState | None] = unknown
    """The state that follows from an invalid spec, which cannot be evaluated; None if absent."""

    def cause(self, s: StatusInput) -> Cause | None:
        """Why it is not True."""
        return first_cause(self.checks, s)

    def evaluate(self, s: StatusInput, stored: StoredCondition) -> ConditionState | None:
        """The state for a valid spec; None if absent."""
        if not self.is_present(s):
            return None
        if not self.is_known(s):
            return ConditionState(stored["status"], stored["reason"], stored["message"]) if stored else None
        if cause := self.cause(s):
            return ConditionState("False", cause.reason, cause.message)
        return self.otherwise(s)
