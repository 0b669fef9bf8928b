"""Notifications for tests: every field once, cases of their rules, and generated ones."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

JSON = dict[str, Any]


def secret(name: str, key: str = "url") -> JSON:
    return {"name": name, "key": key}


SLACK: JSON = {"name": "team", "slack": {"channel": "#risk-ml", "webhookURL": secret("slack")}}
PAGER: JSON = {"name": "oncall", "severities": ["critical"], "pagerDuty": {"routingKey": secret("pager", "key")}}
EMAIL: JSON = {
    "name": "mail",
    "severities": ["warning", "info"],
    "email": {"to": "a@example.com, b@example.com", "from": "alerts@example.com", "smarthost": "smtp.example.com:587"},
}
HOOK: JSON = {"name": "hook", "webhook": {"url": secret("hook")}}
LOGIN: JSON = {"authUsername": "alerts", "authPassword": secret("smtp", "password"), "requireTLS": False}
NIGHT: JSON = {"start": "22:00", "end": "06:00"}
EVERY_FIELD: list[JSON] = [
    {
        **SLACK,
        "severities": ["critical", "warning", "info"],
        "sendResolved": False,
        "groupWait": "10s",
        "groupInterval": "1m",
        "repeatInterval": "4h",
        "muteTimeIntervals": [{"days": ["saturday", "sunday"], "times": [NIGHT]}],
    },
    PAGER,
    {**EMAIL, "email": {**EMAIL["email"], **LOGIN}},
    HOOK,
]


def _with(told: JSON, **changes: Any) -> JSON:
    return {"monitoring.notifications": [{**told, **changes}]}


_IMAGE: JSON = {"image": "registry.example.com/churn:1"}
EMPTY: list[JSON] = [{}, {"days": []}, {"days": [], "times": []}]
_BARE: JSON = {"name": "nobody"}
RULE_CASES: dict[tuple[str, str], tuple[JSON, list[JSON], list[JSON]]] = {
    ("Notification", "give exactly one of slack"): (
        _IMAGE,
        [_with(_BARE), _with(SLACK, webhook=HOOK["webhook"]), _with(PAGER, email=EMAIL["email"])],
        [_with(SLACK), _with(PAGER), _with(EMAIL), _with(HOOK)],
    ),
    ("Notification", "repeatInterval must not be below"): (
        _IMAGE,
        [
            _with(SLACK, repeatInterval="1m"),
            _with(SLACK, groupInterval="13h"),
            _with(SLACK, groupInterval="2m", repeatInterval="90s"),
        ],
        [
            _with(SLACK, repeatInterval="5m"),
            _with(SLACK, groupInterval="12h"),
            _with(SLACK, groupInterval="90s", repeatInterval="2m"),
        ],
    ),
    ("EmailTarget", "give authUsername and authPassword"): (
        _IMAGE,
        [_with(EMAIL, email={**EMAIL["email"], name: LOGIN[name]}) for name in ("authUsername", "authPassword")],
        [_with(EMAIL), _with(EMAIL, email={**EMAIL["email"], **LOGIN})],
    ),
    ("MuteTimeInterval", "give days or times"): (
        _IMAGE,
        [_with(SLACK, muteTimeIntervals=[empty]) for empty in EMPTY],
        [_with(SLACK, muteTimeIntervals=[{"days": ["monday"]}, {"times": [NIGHT]}])],
    ),
    ("TimeRange", "end must differ"): (
        _IMAGE,
        [_with(SLACK, muteTimeIntervals=[{"times": [{"start": "06:00", "end": "06:00"}]}])],
        [
            _with(
                SLACK,
                muteTimeIntervals=[{"times": [{"start": "00:00", "end": "24:00"}, {"start": "23:00", "end": "00:00"}]}],
            )
        ],
    ),
}

_clock = st.sampled_from(["00:00", "06:30", "22:00", "23:59"])
_ranges = st.builds(lambda s, e: {"start": s, "end": e}, _clock, _clock | st.just("24:00")).filter(
    lambda given: given["start"] != given["end"]
)
_days = st.lists(st.sampled_from(["monday", "friday", "saturday", "sunday"]), max_size=3, unique=True)
_mutes = st.builds(lambda d, t: {"days": d, "times": t}, _days, st.lists(_ranges, max_size=2)).filter(
    lambda given: bool(given["days"] or given["times"])
)
_extras: st.SearchStrategy[JSON] = st.fixed_dictionaries(
    {},
    optional={
        "severities": st.lists(st.sampled_from(["critical", "warning", "info"]), min_size=1, max_size=3),
        "sendResolved": st.booleans(),
        "groupWait": st.sampled_from(["1s", "30s"]),
        "groupInterval": st.sampled_from(["30s", "5m"]),
        "repeatInterval": st.sampled_from(["5m", "1h", "24h"]),
        "muteTimeIntervals": st.lists(_mutes, max_size=2),
    },
)
generated: st.SearchStrategy[list[JSON]] = st.lists(
    st.builds(lambda told, extra: {**told, **extra}, st.sampled_from(EVERY_FIELD), _extras),
    max_size=3,
    unique_by=lambda told: told["name"],
)
ALTERNATIVES = (
    *("slack", "pagerDuty", "email", "webhook"),
    *("severities", "sendResolved", "groupWait", "groupInterval", "repeatInterval", "muteTimeIntervals"),
)
"""Fields that not each of them names."""
