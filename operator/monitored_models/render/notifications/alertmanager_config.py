"""The AlertmanagerConfig: routes alerts to receivers and defines inhibitions.

Each MonitoringProfile with notifications has one, and so does each model with its own notifications. An alert's label
`notified_by` names the config that delivers it, so a config contains no list of models, and no alert matches two
configs. Alertmanager continues after each config, and prometheus-operator restricts each config to its namespace; this
code relies on neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from ...api import Model, MonitoringProfile
from ...api.monitoring import EmailTarget, MuteTimeInterval, Notification, SecretKey, SlackTarget, TimeRange
from ...naming import labels, object_names
from ...naming.kinds import ALERTMANAGER_CONFIG
from ...settings import Settings
from ..workload.object_meta import Child, child, without_empty
from . import templates

NULL_RECEIVER = "_nobody"
"""Null receiver for alerts of other severities. No notification can have this name."""
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
GROUP = (*labels.IDENTITY, "signal")
"""Group labels: one message per signal and model."""
SUPPRESSED_SIGNALS = ("availability", "latency", "quality", "saturation", "slo-.+")
"""Signals to inhibit while a model is down, because they add no information."""

Json = dict[str, Any]


def make_model_config(model: Model, settings: Settings) -> Child | None:
    """Return the AlertmanagerConfig of a model with its own notifications, or None."""
    own = model.spec.monitoring.notifications
    return _config(model, object_names.workload(model), own, settings) if own else None


def make_profile_config(profile: MonitoringProfile, settings: Settings) -> Child | None:
    """Return the AlertmanagerConfig of a MonitoringProfile with notifications, or None."""
    notifications = profile.monitoring.notifications
    return (
        _config(profile, object_names.notifications(profile.name), notifications, settings) if notifications else None
    )


def _config(
    owner: Model | MonitoringProfile, name: str, notifications: Sequence[Notification], settings: Settings
) -> Child:
    owner_matchers = [_equals("namespace", owner.namespace), _equals(labels.NOTIFIED_BY, name)]
    severities = {severity for each in notifications for severity in each.severities}
    mutes = [_mute_interval(each) for each in notifications if each.mute_time_intervals]
    spec = {
        "route": {
            "receiver": NULL_RECEIVER,
            "matchers": owner_matchers,
            "groupBy": list(GROUP),
            "continue": True,
            "routes": [_route(each) for each in notifications],
        },
        "receivers": [{"name": NULL_RECEIVER}, *(_receiver(each) for each in notifications)],
        "inhibitRules": _inhibitions(owner_matchers, severities),
        "muteTimeIntervals": mutes,
    }
    return child(
        owner,
        ALERTMANAGER_CONFIG,
        name,
        extra_labels=settings.alertmanager_config_labels,
        spec=without_empty(spec),
    )


def _equals(label: str, value: str) -> Json:
    return {"name": label, "value": value, "matchType": "="}


def _matches_any(label: str, values: Sequence[str]) -> Json:
    return {"name": label, "value": "|".join(values), "matchType": "=~"}


def _route(notification: Notification) -> Json:
    return {
        "receiver": notification.name,
        "matchers": [
            _matches_any("severity", [s for s in ("critical", "warning", "info") if s in notification.severities])
        ],
        "groupBy": list(GROUP),
        "groupWait": notification.group_wait,
        "groupInterval": notification.group_interval,
        "repeatInterval": notification.repeat_interval,
        "continue": True,  # notify every matching receiver, not only the first
        **({"muteTimeIntervals": [notification.name]} if notification.mute_time_intervals else {}),
    }


# --- inhibition ---


def _inhibitions(whose: list[Json], severities: AbstractSet[str]) -> list[Json]:
    """Return the inhibition rules. Only alerts with a receiver inhibit others, so that no outage goes unnoticed."""
    rules = []
    if "critical" in severities:
        down = [_equals("alertname", "ModelReplicasMissing"), _equals("severity", "critical")]
        rules.append(_inhibition(whose, down, [_matches_any("signal", SUPPRESSED_SIGNALS)], labels.IDENTITY))
        worse, lesser = [_equals("severity", "critical")], [_matches_any("severity", ("warning", "info"))]
        rules.append(_inhibition(whose, worse, lesser, GROUP))
    if "warning" in severities:
        # One of several pods is down. That is a ticket, so it must not inhibit a page.
        lost = [_equals("alertname", "ModelTargetDown"), _equals("severity", "warning")]
        follows = [_matches_any("signal", SUPPRESSED_SIGNALS), _matches_any("severity", ("warning", "info"))]
        rules.append(_inhibition(whose, lost, follows, labels.IDENTITY))
    return rules


def _inhibition(whose: list[Json], source: list[Json], target: list[Json], equal: Sequence[str]) -> Json:
    return {
        "sourceMatch": [*map(dict, whose), *source],  # copies, because YAML would emit an alias for a repeated object
        "targetMatch": [*map(dict, whose), *target],
        "equal": list(equal),
    }


# --- receivers ---


def _receiver(notification: Notification) -> Json:
    resolved = {"sendResolved": notification.send_resolved}
    if notification.slack:
        return {"name": notification.name, "slackConfigs": [{**_slack(notification.slack), **resolved}]}
    if notification.pager_duty:
        return {
            "name": notification.name,
            "pagerdutyConfigs": [{**_pager_duty(notification.pager_duty.routing_key), **resolved}],
        }
    if notification.email:
        return {"name": notification.name, "emailConfigs": [{**_email(notification.email), **resolved}]}
    assert notification.webhook is not None
    return {"name": notification.name, "webhookConfigs": [{"urlSecret": _secret(notification.webhook.url), **resolved}]}


def _slack(slack: SlackTarget) -> Json:
    return {
        "apiURL": _secret(slack.webhook_url),
        "channel": slack.channel,
        "color": templates.COLOR,
        "title": templates.TITLE,
        "titleLink": templates.LINK,
        "text": templates.SLACK_TEXT,
        "fallback": templates.TITLE,
    }


def _pager_duty(routing_key: SecretKey) -> Json:
    details = {
        "model": templates.SOURCE,
        "firing": templates.FIRING,
        "resolved": templates.RESOLVED,
        "runbook": templates.RUNBOOK,
        "dashboard": templates.DASHBOARD,
    }
    return {
        "routingKey": _secret(routing_key),
        "description": templates.TITLE,
        "severity": templates.SEVERITY,
        "class": templates.SIGNAL,
        "component": templates.MODEL,
        "group": templates.NAMESPACE,
        "details": [{"key": key, "value": text} for key, text in details.items()],
    }


def _email(email: EmailTarget) -> Json:
    login = {"authUsername": email.auth_username, "authPassword": email.auth_password and _secret(email.auth_password)}
    return {
        "to": email.to,
        "from": email.from_,
        "smarthost": email.smarthost,
        **without_empty(login),
        "requireTLS": email.require_tls,
        "headers": [{"key": "Subject", "value": templates.TITLE}],
        "text": templates.TEXT,
        "html": templates.HTML,
    }


def _secret(secret: SecretKey) -> Json:
    return {"name": secret.name, "key": secret.key}


# --- mute times ---


def _mute_interval(notification: Notification) -> Json:
    return {
        "name": notification.name,
        "timeIntervals": [part for each in notification.mute_time_intervals for part in _intervals(each)],
    }


def _intervals(mute: MuteTimeInterval) -> list[Json]:
    """Return Alertmanager time intervals. None can span midnight, so a night becomes two, the second a day later."""
    if not mute.times:
        return [{"weekdays": list(mute.days)}]
    return [part for clock in mute.times for part in _of_clock(clock, list(mute.days))]


def _of_clock(clock: TimeRange, days: list[str]) -> list[Json]:
    def part(start: str, end: str, on: list[str]) -> Json:
        return {"times": [{"startTime": start, "endTime": end}], **({"weekdays": on} if on else {})}

    if clock.start < clock.end:
        return [part(clock.start, clock.end, days)]
    evening = part(clock.start, "24:00", days)
    next_days = [DAYS[(DAYS.index(day) + 1) % 7] for day in days]
    return [evening] if clock.end == "00:00" else [evening, part("00:00", clock.end, next_days)]
