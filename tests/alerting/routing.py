"""Who is told: MonitoringProfiles of tests, the AlertmanagerConfigs that the operator renders of them, and their Secrets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from alerting.sinks import SMTP_PASSWORD, SMTP_USER, Sinks
from monitored_models.api import DEFAULT_PROFILE, MonitoringProfile, ProfileSpec, parse_profile
from monitored_models.api.monitoring import ProfileMonitoring
from monitored_models.naming import object_names
from monitored_models.render.children import render_profile
from monitored_models.render.notifications import alertmanager_config
from monitored_models.settings import Settings

Object = dict[str, Any]
EVERY_SEVERITY = ("critical", "warning", "info")
GROUP_BY = alertmanager_config.GROUP
NOBODY = alertmanager_config.NULL_RECEIVER
DOWN = "ModelReplicasMissing"
CONFIG = object_names.notifications(DEFAULT_PROFILE)
"""Name of the AlertmanagerConfig of each namespace's default profile."""
_ALWAYS = [{"times": [{"start": "00:00", "end": "24:00"}]}]


@dataclass(frozen=True)
class Notification:
    """One entry of `monitoring.notifications`: where to, and for what."""

    name: str
    kind: str
    """slack, pagerDuty, email or webhook."""
    severities: tuple[str, ...] = EVERY_SEVERITY
    muted: bool = False


USUAL = (
    Notification("oncall", "pagerDuty", ("critical",)),
    Notification("team", "slack"),
    Notification("mail", "email", ("warning", "info")),
    Notification("log", "webhook"),
)


def routing_key(namespace: str) -> str:
    """A key as PagerDuty gives them: 32 letters and digits."""
    return hashlib.sha256(namespace.encode()).hexdigest()[:32]


def address(namespace: str) -> str:
    """Where a namespace's mail goes."""
    return f"{namespace}@example.com"


def secrets(namespace: str, sinks: Sinks) -> list[Object]:
    """What users keep in their namespace for the receivers."""
    contents = {
        "slack": {"url": sinks.slack(namespace)},
        "pagerduty": {"routing-key": routing_key(namespace)},
        "smtp": {"password": SMTP_PASSWORD},
        "webhook": {"url": sinks.hook(namespace)},
    }
    return [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "stringData": data}
        for name, data in contents.items()
    ]


def shared(namespace: str, sinks: Sinks, notifications: Iterable[Notification], **times: str) -> Object:
    """The spec of a MonitoringProfile, with short times."""
    waits = {"groupWait": "2s", "groupInterval": "2s", "repeatInterval": "1h", **times}
    return {"notifications": [_written(each, namespace, sinks, waits) for each in notifications]}


def amc_for_tests(namespace: str, sinks: Sinks, notifications: Iterable[Notification] = USUAL, **times: str) -> Object:
    """The AlertmanagerConfig of a namespace's default profile."""
    monitoring = parse_profile(shared(namespace, sinks, notifications, **times))
    assert isinstance(monitoring, ProfileMonitoring), str(monitoring)
    profile = MonitoringProfile(namespace, DEFAULT_PROFILE, f"uid-{namespace}", monitoring)
    (rendered,) = render_profile(profile, Settings())
    return rendered


def told_by_default() -> ProfileSpec:
    """A default profile as models see it: someone is told."""
    sinks = Sinks("http://127.0.0.1:9", "127.0.0.1:25")
    return ProfileSpec(DEFAULT_PROFILE, shared("any", sinks, USUAL))


def _written(notification: Notification, namespace: str, sinks: Sinks, times: dict[str, str]) -> Object:
    return {
        "name": notification.name,
        "severities": list(notification.severities),
        notification.kind: {
            "slack": {"channel": f"#{namespace}", "webhookURL": {"name": "slack", "key": "url"}},
            "pagerDuty": {"routingKey": {"name": "pagerduty", "key": "routing-key"}},
            "email": {
                "to": address(namespace),
                "from": "alerts@example.com",
                "smarthost": sinks.smarthost,
                "authUsername": SMTP_USER,
                "authPassword": {"name": "smtp", "key": "password"},
            },
            "webhook": {"url": {"name": "webhook", "key": "url"}},
        }[notification.kind],
        **times,
        **({"muteTimeIntervals": _ALWAYS} if notification.muted else {}),
    }
