"""AlertmanagerConfigs in the shape that the operator renders, and the Secrets that they refer to.

`amc_for_tests` stands in for the operator's own rendering: nothing else here knows the shape.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bell.sinks import SMTP_PASSWORD, SMTP_USER, Sinks

Object = dict[str, Any]
EVERY_SEVERITY = ("critical", "warning", "info")
GROUP_BY = ("namespace", "monitored_model", "signal")
ALWAYS = [{"times": [{"startTime": "00:00", "endTime": "24:00"}]}]
DOWN = "ModelReplicasMissing"
NOBODY = "nobody"


@dataclass(frozen=True)
class Notification:
    """One entry of `monitoring.notifications`: where to, and for what."""

    name: str
    kind: str
    """slack, pagerduty, email or webhook."""
    severities: tuple[str, ...] = EVERY_SEVERITY
    muted: bool = False


USUAL = (
    Notification("oncall", "pagerduty", ("critical",)),
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
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "stringData": data,
        }
        for name, data in contents.items()
    ]


def amc_for_tests(
    namespace: str,
    sinks: Sinks,
    notifications: Iterable[Notification] = USUAL,
    *,
    name: str = "monitored-models",
    group_by: Iterable[str] = GROUP_BY,
    group_wait: str = "2s",
    group_interval: str = "2s",
    repeat_interval: str = "1h",
) -> Object:
    """The AlertmanagerConfig of a namespace, with short times."""
    wanted = list(notifications)
    return {
        "apiVersion": "monitoring.coreos.com/v1alpha1",
        "kind": "AlertmanagerConfig",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "route": {
                "receiver": NOBODY,
                # What else fires in the namespace is not the operator's to route. prometheus-operator names the namespace
                # too, unless an Alertmanager has another alertmanagerConfigMatcherStrategy than the usual.
                "matchers": [_matcher("namespace", "=", namespace), _matcher("monitored_model", "!=", "")],
                "groupBy": list(group_by),
                "groupWait": group_wait,
                "groupInterval": group_interval,
                "repeatInterval": repeat_interval,
                "routes": [_route(each) for each in wanted],
            },
            "receivers": [{"name": NOBODY}, *(_receiver(each, namespace, sinks) for each in wanted)],
            "inhibitRules": _inhibitions(namespace),
            "muteTimeIntervals": [{"name": "always", "timeIntervals": ALWAYS}],
        },
    }


def _matcher(name: str, kind: str, value: str) -> Object:
    return {"name": name, "matchType": kind, "value": value}


def _route(notification: Notification) -> Object:
    return {
        "receiver": notification.name,
        "matchers": [_matcher("severity", "=~", "|".join(notification.severities))],
        "continue": True,
        **({"muteTimeIntervals": ["always"]} if notification.muted else {}),
    }


def _inhibitions(namespace: str) -> list[Object]:
    here, model = _matcher("namespace", "=", namespace), ["namespace", "monitored_model"]
    return [
        {  # a model that is down: all else that is said of it follows from that
            "sourceMatch": [here, _matcher("alertname", "=", DOWN)],
            "targetMatch": [here, _matcher("monitored_model", "!=", ""), _matcher("alertname", "!=", DOWN)],
            "equal": model,
        },
        {
            "sourceMatch": [here, _matcher("severity", "=", "critical"), _matcher("signal", "!=", "")],
            "targetMatch": [here, _matcher("severity", "=~", "warning|info")],
            "equal": [*model, "signal"],
        },
    ]


def _receiver(notification: Notification, namespace: str, sinks: Sinks) -> Object:
    configuration = {
        "slack": {
            "apiURL": {"name": "slack", "key": "url"},
            "channel": f"#{namespace}",
            "sendResolved": True,
            "text": "{{ range .Alerts }}{{ .Labels.alertname }}: {{ .Annotations.description }}\n{{ end }}",
        },
        "pagerduty": {
            "routingKey": {"name": "pagerduty", "key": "routing-key"},
            "severity": "{{ if .CommonLabels.severity }}{{ .CommonLabels.severity }}{{ else }}error{{ end }}",
            "sendResolved": True,
        },
        "email": {
            "to": address(namespace),
            "from": "alerts@example.com",
            "smarthost": sinks.smarthost,
            "authUsername": SMTP_USER,
            "authPassword": {"name": "smtp", "key": "password"},
            "requireTLS": True,
            "sendResolved": True,
        },
        "webhook": {"urlSecret": {"name": "webhook", "key": "url"}, "sendResolved": True},
    }[notification.kind]
    field = {"pagerduty": "pagerdutyConfigs"}.get(notification.kind, f"{notification.kind}Configs")
    return {"name": notification.name, field: [configuration]}
