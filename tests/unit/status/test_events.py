"""Events: one for each transition of Ready that is worth telling, none for anything else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from monitored_models.naming.keys import Key
from monitored_models.status import events
from unit.specs import JSON

NOW = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
KEY = Key("risk", "churn")


def status(ready: str | None, *, stalled: bool = False, reason: str = "Why", message: str = "because") -> JSON:
    conditions: list[JSON] = []
    if ready is not None:
        conditions.append({"type": "Ready", "status": ready, "reason": reason, "message": message})
    if stalled:
        conditions.append({"type": "Stalled", "status": "True", "reason": reason, "message": message})
    return {"conditions": conditions}


def transition(stored: JSON, new: JSON) -> JSON | None:
    return events.ready_event(KEY, "uid-1", stored, new, NOW)


TRANSITIONS: list[tuple[str, JSON, JSON, str | None]] = [
    ("a new model that is on its way", {}, status("False"), None),
    ("a new model that is ready at once", {}, status("True"), "Normal"),
    ("a new model that cannot work", {}, status("False", stalled=True), "Warning"),
    ("a status of someone else, then on its way", status(None), status("False"), None),
    ("it becomes ready", status("False"), status("True"), "Normal"),
    ("it is no longer ready", status("True"), status("False"), "Normal"),
    ("it is no longer ready and stuck", status("True"), status("False", stalled=True), "Warning"),
    ("it stays ready", status("True"), status("True", reason="Other", message="other"), None),
    ("it stays unready for another reason", status("False"), status("False", reason="Other"), None),
    ("it stays unready and becomes stuck", status("False"), status("False", stalled=True), None),
]


@pytest.mark.parametrize(
    ("stored", "new", "kind"), [row[1:] for row in TRANSITIONS], ids=[row[0] for row in TRANSITIONS]
)
def test_event_of_a_transition(stored: JSON, new: JSON, kind: str | None) -> None:
    event = transition(stored, new)
    assert (event and event["type"]) == kind


def _event(**after: Any) -> JSON:
    event = transition(status("False"), status("True", **after))
    assert event is not None
    return event


def test_event_says_what_the_condition_says_of_which_object() -> None:
    event = _event(reason="Ready", message="2 of 2 replicas ready")
    assert (event["reason"], event["note"]) == ("Ready", "2 of 2 replicas ready")
    assert event["regarding"] == {
        "apiVersion": "monitoredmodels.dev/v1alpha1",
        "kind": "MonitoredModel",
        "namespace": "risk",
        "name": "churn",
        "uid": "uid-1",
    }
    assert event["metadata"]["namespace"] == "risk"
    assert event["metadata"]["generateName"].startswith("churn")


def test_event_keeps_the_bounds_of_its_kind() -> None:
    """events.k8s.io/v1 asks for these, and refuses a note of more than 1024 bytes."""
    event = _event()
    assert event["eventTime"] == "2026-11-20T12:00:00.123456Z"
    assert event["action"]
    assert event["reportingController"] == "monitoredmodels.dev/operator"
    assert event["reportingInstance"]


@pytest.mark.parametrize("message", ["é" * 5000, "😀" * 257, "x" + "é" * 600, "x" * 1025, "a\u0301" * 500])
def test_note_is_the_longest_beginning_of_the_message_that_fits(message: str) -> None:
    note = _event(message=message)["note"]
    assert message.startswith(note)
    assert 1024 - 4 < len(note.encode()) <= 1024


def test_note_that_just_fits_is_whole() -> None:
    assert _event(message="é" * 512)["note"] == "é" * 512
