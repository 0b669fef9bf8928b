"""The servers that stand for Slack, PagerDuty and a webhook take what is right and refuse what is not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from alerting.sinks import JSON, pagerduty_problems, slack_problems, webhook_problems

SLACK: JSON = {
    "channel": "#risk",
    "username": "Alertmanager",
    "attachments": [{"title": "[FIRING:1] churn", "text": "It is slow.", "fallback": "churn", "color": "danger"}],
}
PAGERDUTY: JSON = {
    "routing_key": "0123456789abcdef0123456789abcdef",
    "event_action": "trigger",
    "dedup_key": "key",
    "payload": {"summary": "It is down.", "source": "Alertmanager", "severity": "critical"},
}
ALERT: JSON = {"status": "firing", "labels": {}, "annotations": {}, "fingerprint": "f"}
WEBHOOK: JSON = {
    "version": "4",
    "groupKey": "{}",
    "status": "firing",
    "receiver": "log",
    "groupLabels": {},
    "commonLabels": {},
    "commonAnnotations": {},
    "alerts": [ALERT],
}
CHECKS: dict[str, tuple[Callable[[JSON], list[str]], JSON]] = {
    "slack": (slack_problems, SLACK),
    "pagerduty": (pagerduty_problems, PAGERDUTY),
    "webhook": (webhook_problems, WEBHOOK),
}
WRONG: list[tuple[str, tuple[str | int, ...], Any]] = [
    ("slack", ("channel",), "#Risk models"),
    ("slack", ("username",), ""),
    ("slack", ("text_of_my_own",), "?"),
    ("slack", ("attachments",), []),
    ("slack", ("attachments", 0, "text"), "x" * 40_001),
    ("slack", ("attachments", 0, "title"), "x" * 1025),
    ("slack", ("attachments", 0, "fallback"), ""),
    ("slack", ("attachments", 0, "color"), "red"),
    ("slack", ("attachments", 0, "footer"), "x" * 301),
    ("pagerduty", ("routing_key",), "short"),
    ("pagerduty", ("event_action",), "open"),
    ("pagerduty", ("dedup_key",), "x" * 256),
    ("pagerduty", ("payload", "summary"), "x" * 1025),
    ("pagerduty", ("payload", "summary"), ""),
    ("pagerduty", ("payload", "source"), ""),
    ("pagerduty", ("payload", "severity"), "page"),
    ("pagerduty", ("payload", "custom_details"), {"firing": "x" * 512_000}),
    ("webhook", ("version",), "3"),
    ("webhook", ("status",), "open"),
    ("webhook", ("alerts",), []),
    ("webhook", ("alerts", 0), {"status": "firing"}),
]


@pytest.mark.parametrize("kind", CHECKS)
def test_what_is_right_is_taken(kind: str) -> None:
    check, body = CHECKS[kind]
    assert not check(body)


@pytest.mark.parametrize(("kind", "path", "value"), WRONG, ids=lambda each: str(each)[:40])
def test_what_is_wrong_is_refused(kind: str, path: tuple[str | int, ...], value: Any) -> None:
    check, right = CHECKS[kind]
    body = copy.deepcopy(right)
    place: Any = body
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert check(body)
