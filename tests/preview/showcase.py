"""A dashboard with everything that the preview draws, and three hours of a past that fills it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

JSON = dict[str, Any]
HOURS, STEP = 3, 15
PODS = ("churn-6c9f-a1", "churn-6c9f-b2", "churn-6c9f-c3")
BUCKETS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf")
_SHARES = (0.01, 0.05, 0.2, 0.45, 0.7, 0.88, 0.95, 0.985, 0.998, 1.0)
RATE = 40.0


def samples(end: float) -> Iterator[str]:
    """Lines of OpenMetrics with times, for the three hours before the end."""
    times = [end - seconds for seconds in range(HOURS * 3600, -1, -STEP)]
    for number, pod in enumerate(PODS):
        about = f'namespace="risk",pod="{pod}"'
        total, failed, below = 0.0, 0.0, [0.0] * len(BUCKETS)
        for at in times:
            slow = 1 + 2 * max(0.0, math.sin((at - times[0]) / 1500)) ** 4
            pace = RATE * (1 + 0.3 * math.sin((at - times[0]) / 1700 + number)) * STEP
            total += pace
            failed += pace * 0.001 * slow
            below = [count + pace * min(1, share**slow) for count, share in zip(below, _SHARES, strict=True)]
            yield f"requests_total{{{about}}} {total:.3f} {at:.0f}"
            yield f"errors_total{{{about}}} {failed:.3f} {at:.0f}"
            for bound, count in zip(BUCKETS, below, strict=True):
                yield f'latency_seconds_bucket{{{about},le="{bound}"}} {count:.3f} {at:.0f}'
            gap = number == 2 and 4000 < at - times[0] < 5200
            if not gap:
                yield f"memory_bytes{{{about}}} {1.4e9 + 3e8 * math.sin((at - times[0]) / 900 + number):.0f} {at:.0f}"
                yield f"ready{{{about}}} {0 if number == 1 and (end - at) % 6000 < 1200 else 1} {at:.0f}"
            version = 7 if at - times[0] < 6000 + number * 120 else 8
            yield f'version_info{{{about},version="{version}"}} 1 {at:.0f}'
            yield f"deployed_timestamp_seconds{{{about}}} {times[0] - 86400 * 3:.0f} {at:.0f}"


def _target(expression: str, legend: str = "", **more: Any) -> JSON:
    kind = {"instant": False, "range": True}
    return {"refId": "A", "expr": expression, "legendFormat": legend, **kind, **more}


_INSTANT: JSON = {"instant": True, "range": False}
_RED = {"mode": "absolute", "steps": [{"value": None, "color": "green"}, {"value": 0.2, "color": "red"}]}


def _panel(kind: str, title: str, place: tuple[int, int, int, int], targets: list[JSON], **more: Any) -> JSON:
    x, y, w, h = place
    for index, target in enumerate(targets):
        target["refId"] = chr(ord("A") + index)
    defaults = {"unit": more.pop("unit", "short"), "noValue": "no data", **more.pop("defaults", {})}
    return {
        "type": kind,
        "title": title,
        "description": f"About {title}.",
        "gridPos": {"x": x, "y": y, "w": w, "h": h},
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": more.pop("overrides", [])},
        "options": more.pop("options", {}),
        **more,
    }


def _quantile(of: float) -> str:
    buckets = 'latency_seconds_bucket{namespace="$namespace",pod=~"$pod"}'
    return f"histogram_quantile({of}, sum by (le) (rate({buckets}[$__rate_interval])))"


def _panels() -> list[JSON]:
    rate = 'rate(requests_total{namespace="$namespace",pod=~"$pod"}[$__rate_interval])'
    failed = "sum(rate(errors_total[5m])) / sum(rate(requests_total[5m]))"
    dashed = {"fillOpacity": 8, "thresholdsStyle": {"mode": "dashed"}}
    return [
        _panel("stat", "Requests", (0, 0, 4, 4), [_target(f"sum({rate})", **_INSTANT)], unit="reqps"),
        _panel(
            "stat",
            "Failed",
            (4, 0, 4, 4),
            [_target(failed, **_INSTANT)],
            unit="percentunit",
            defaults={
                "thresholds": {
                    "mode": "absolute",
                    "steps": [{"value": None, "color": "green"}, {"value": 0.003, "color": "red"}],
                }
            },
        ),
        _panel(
            "stat", "Latency (p99)", (8, 0, 4, 4), [_target(_quantile(0.99))], unit="s", options={"graphMode": "area"}
        ),
        _panel(
            "stat",
            "Deployed",
            (12, 0, 4, 4),
            [_target("min(deployed_timestamp_seconds) * 1000", **_INSTANT)],
            unit="dateTimeFromNow",
            options={"colorMode": "none"},
        ),
        _panel(
            "stat",
            "Ready",
            (16, 0, 8, 4),
            [_target("ready", "{{pod}}", **_INSTANT)],
            options={"colorMode": "background"},
            defaults={
                "mappings": [
                    {
                        "type": "value",
                        "options": {"0": {"text": "down", "color": "red"}, "1": {"text": "up", "color": "green"}},
                    }
                ]
            },
        ),
        {
            "type": "row",
            "title": "Traffic of $namespace",
            "collapsed": False,
            "gridPos": {"x": 0, "y": 4, "w": 24, "h": 1},
            "panels": [],
        },
        _panel(
            "timeseries",
            "Requests by pod",
            (0, 5, 12, 8),
            [_target(rate, "{{pod}}")],
            unit="reqps",
            defaults={"min": 0, "custom": {"fillOpacity": 20, "stacking": {"mode": "normal"}}},
            options={
                "legend": {
                    "displayMode": "table",
                    "placement": "bottom",
                    "calcs": ["mean", "max", "lastNotNull"],
                    "showLegend": True,
                }
            },
        ),
        _panel(
            "timeseries",
            "Latency",
            (12, 5, 12, 8),
            [_target(_quantile(q), f"p{q * 100:g}") for q in (0.5, 0.95, 0.99)],
            unit="s",
            defaults={"min": 0, "custom": dashed, "thresholds": _RED},
        ),
        _panel(
            "heatmap",
            "Latency distribution",
            (0, 13, 12, 8),
            [_target("sum by (le) (rate(latency_seconds_bucket[5m]))", "{{le}}", format="heatmap")],
            unit="reqps",
            options={
                "cellValues": {"unit": "reqps"},
                "yAxis": {"unit": "s"},
                "color": {"scheme": "Oranges"},
                "legend": {"show": True},
            },
        ),
        _panel(
            "timeseries",
            "Memory",
            (12, 13, 12, 8),
            [_target("memory_bytes", "{{pod}}"), _target("sum(memory_bytes)", "all")],
            unit="bytes",
            defaults={"min": 0},
            overrides=[
                {
                    "matcher": {"id": "byName", "options": "all"},
                    "properties": [
                        {"id": "custom.lineStyle", "value": {"fill": "dash"}},
                        {"id": "color", "value": {"mode": "fixed", "fixedColor": "text"}},
                    ],
                }
            ],
            options={"legend": {"placement": "right", "displayMode": "list", "showLegend": True}},
        ),
        _panel(
            "state-timeline",
            "Pods ready",
            (0, 21, 12, 6),
            [_target("ready", "{{pod}}")],
            defaults={
                "mappings": [
                    {
                        "type": "value",
                        "options": {"0": {"text": "down", "color": "red"}, "1": {"text": "up", "color": "green"}},
                    }
                ]
            },
        ),
        _panel("histogram", "Memory, how often", (12, 21, 12, 6), [_target("memory_bytes", "{{pod}}")], unit="bytes"),
        _panel(
            "gauge",
            "Load",
            (0, 27, 6, 6),
            [_target("avg(memory_bytes) / 2e9", **_INSTANT)],
            unit="percentunit",
            defaults={
                "min": 0,
                "max": 1,
                "thresholds": {
                    "mode": "absolute",
                    "steps": [
                        {"value": None, "color": "green"},
                        {"value": 0.6, "color": "orange"},
                        {"value": 0.9, "color": "red"},
                    ],
                },
            },
        ),
        _panel(
            "bargauge",
            "Memory by pod",
            (6, 27, 6, 6),
            [_target("memory_bytes", "{{pod}}", **_INSTANT)],
            unit="bytes",
            defaults={"min": 0},
        ),
        _panel(
            "barchart", "Requests by pod, now", (12, 27, 12, 6), [_target(rate, "{{pod}}", **_INSTANT)], unit="reqps"
        ),
        _panel(
            "table",
            "Pods",
            (0, 33, 12, 6),
            [
                _target("sum by (pod) (ready)", format="table", **_INSTANT),
                _target("sum by (pod) (memory_bytes)", format="table", **_INSTANT),
            ],
            transformations=[
                {"id": "merge", "options": {}},
                {
                    "id": "organize",
                    "options": {
                        "excludeByName": {"Time": True},
                        "renameByName": {"Value #A": "Ready", "Value #B": "Memory", "pod": "Pod"},
                    },
                },
            ],
            overrides=[
                {"matcher": {"id": "byName", "options": "Memory"}, "properties": [{"id": "unit", "value": "bytes"}]},
                {
                    "matcher": {"id": "byName", "options": "Ready"},
                    "properties": [
                        {"id": "custom.cellOptions", "value": {"type": "color-text"}},
                        {
                            "id": "thresholds",
                            "value": {
                                "mode": "absolute",
                                "steps": [{"value": None, "color": "red"}, {"value": 1, "color": "green"}],
                            },
                        },
                    ],
                },
            ],
        ),
        _panel(
            "text",
            "Text",
            (12, 33, 12, 6),
            [],
            options={
                "mode": "markdown",
                "content": "# About *$namespace*\n\n| metric | why |\n|---|---|\n| `tokens` | none here |\n\n- a [link](https://example.com)\n- `code`, **bold**",
            },
        ),
        {
            "type": "row",
            "title": "Closed",
            "collapsed": True,
            "gridPos": {"x": 0, "y": 39, "w": 24, "h": 1},
            "panels": [
                _panel(
                    "timeseries",
                    "Errors",
                    (0, 40, 24, 6),
                    [_target("sum(rate(errors_total[5m]))", "errors")],
                    unit="ops",
                )
            ],
        },
    ]


def dashboard() -> JSON:
    """The dashboard, in Grafana's classic JSON."""
    query = {"type": "query", "datasource": {"type": "prometheus", "uid": "$datasource"}}
    variables = [
        {"type": "datasource", "name": "datasource", "query": "prometheus"},
        {
            **query,
            "name": "namespace",
            "label": "Namespace",
            "query": {"query": "label_values(requests_total, namespace)", "refId": "v"},
        },
        {
            **query,
            "name": "pod",
            "label": "Pod",
            "query": 'label_values(requests_total{namespace="$namespace"}, pod)',
            "multi": True,
            "includeAll": True,
        },
        {"type": "custom", "name": "size", "label": "Size", "query": "small,large : big"},
        {"type": "constant", "name": "fixed", "query": "one"},
    ]
    rollout = "count(count by (version) (version_info)) > 1"
    return {
        "title": "Showcase",
        "uid": "showcase",
        "tags": ["a tag"],
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": variables},
        "annotations": {
            "list": [
                {"name": "Rollout", "enable": True, "expr": rollout, "iconColor": "purple", "titleFormat": "Rollout"}
            ]
        },
        "panels": _panels(),
    }


def text() -> str:
    """The dashboard as it stands in a file."""
    return json.dumps(dashboard())
