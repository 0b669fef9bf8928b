"""Rendered rules under the real promtool: every alert fires, stays quiet, survives missing data and recovers."""

from __future__ import annotations

import itertools
import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitored_models.api import Model
from monitored_models.api.rules import PROMQL_WORDS, all_rules
from monitored_models.api.spec import CounterSignal
from monitored_models.desired import render
from monitored_models.desired.alerts import ALERTS
from monitored_models.desired.promql import quote
from monitored_models.desired.recordings import recordings
from monitored_models.settings import Settings
from testbed import tools
from unit.specs import FULL, JSON, NASTY, RUNTIMES, model, with_

ID = 'namespace="risk",monitored_model="churn"'
OTHER_MODEL = 'namespace="risk",monitored_model="other"'
OTHER_NAMESPACE = 'namespace="elsewhere",monitored_model="churn"'
QUIET, PENDING, FIRING = "", "pending", "firing"


@pytest.fixture(scope="session")
def promtool() -> Path:
    return tools.ensure("promtool")["promtool"]


def rules(made: Model) -> JSON:
    """What prometheus-operator gives to Prometheus of a PrometheusRule."""
    (found,) = [child for child in render(made, Settings(), None) if child["kind"] == "PrometheusRule"]
    return {"groups": found["spec"]["groups"]}


def run(promtool: Path, *arguments: str | Path) -> None:
    done = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# --- every rule ---

WORDS = [
    "and",
    "or",
    "unless",
    "atan2",
    "offset",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "bool",
    "start",
    "end",
    "step",
    "fill",
    "fill_left",
    "fill_right",
    "anchored",
    "smoothed",
    "inf",
    "nan",
    "histogram_desc",
    "sum",
    "avg",
    "count",
    "min",
    "max",
    "group",
    "stddev",
    "stdvar",
    "topk",
    "bottomk",
    "count_values",
    "quantile",
    "limitk",
    "limit_ratio",
    "eq_regex",
    "counter_reset_hint",
    "buckets",
    "schema",
    "offset",
    "z_bucket",
    "n_offset",
    "rate",
    "irate",
    "increase",
    "delta",
    "absent",
    "absent_over_time",
    "time",
    "vector",
    "scalar",
    "histogram_quantile",
    "pi",
    "range",
    "duration",
    "info",
]
"""Words of PromQL: keywords, operators, aggregations, functions, and those of its series descriptions."""

MATCHER_RULES = [rule for rule in all_rules() if rule.on is CounterSignal]
CHECKED: dict[str, Model] = {
    **{runtime: model(spec) for runtime, spec in RUNTIMES.items()},
    "everything": model(FULL),
    "suspended": model({**FULL, "suspend": True}),
    "autoscaled": model(
        with_(RUNTIMES["custom"], {"autoscaling": {"maxReplicas": 3}, "resources.requests": {"cpu": 1}})
    ),
    "hostile text": model(
        model={"name": "".join(NASTY)},
        monitoring={
            "alerts": {"labels": {f"l{index}": text + "\n" for index, text in enumerate(NASTY)}},
            "signals": {
                "requests": {"counter": "c", "matchers": {"a": 'x"y', "b": "\\$x", "c": "a\nb", "d": "é😀"}},
                "errors": {
                    "counter": "c",
                    "matchers": {"a": "[$window]", "b": "[\\\\]b", "c": "`'#,=", "d": "^(5..)$"},
                },
                "latency": {"histogram": "h", "scale": 1e-07},
            },
        },
    ),
    "slow scrapes": model(monitoring={"scrape": {"interval": "2m"}}),
    "no probes": model(probes={"startup": {"enabled": False}, "readiness": {"enabled": False}}),
    "longest loading": model(probes__startup={"periodSeconds": 86400, "initialDelaySeconds": 86400}),
}


@pytest.mark.parametrize("name", CHECKED)
def test_rules_pass_the_linter(promtool: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(rules(CHECKED[name])))
    run(promtool, "check", "rules", "--lint=all", "--lint-fatal", path)


@pytest.mark.filterwarnings("ignore:Possible")  # of which the parser has a test of its own
def test_every_matcher_that_is_admitted_is_one_that_prometheus_reads(promtool: Path, tmp_path: Path) -> None:
    """All short combinations of what means something in a regular expression, and some longer ones."""
    parts = ["a", "é", "-", "*", "?", "(", ")", "[", "]", "|", "^", "$", "\\", "\\d", "{", ":", "\n"]
    tried = ["".join(chosen) for length in range(4) for chosen in itertools.product(parts, repeat=length)]
    tried += [f"[{''.join(chosen)}]" for chosen in itertools.product(parts, repeat=3)]
    admitted = [
        text
        for text in tried
        if all(rule.holds(CounterSignal(counter="c", matchers={"a": text})) for rule in MATCHER_RULES)
    ]
    assert len(admitted) > 1000
    expressions = [f"up{{a=~{quote(text)}}}" for text in admitted]
    made = [{"record": f"r{number}", "expr": expression} for number, expression in enumerate(expressions)]
    (tmp_path / "rules.json").write_text(json.dumps({"groups": [{"name": "g", "rules": made}]}))
    run(promtool, "check", "rules", "--lint=none", tmp_path / "rules.json")


def test_every_name_of_a_metric_that_is_admitted_is_one_that_prometheus_reads(promtool: Path, tmp_path: Path) -> None:
    """All that PromQL has words for, in every case: where it is no name, the words that are refused have it."""
    words = [spelled for word in WORDS for spelled in (word, word.upper(), word.capitalize())]
    admitted = [word for word in words if word.lower() not in PROMQL_WORDS]
    assert len(admitted) > 100
    made = [{"record": f"r{number}", "expr": f'{name}{{a="b"}}'} for number, name in enumerate(admitted)]
    (tmp_path / "rules.json").write_text(json.dumps({"groups": [{"name": "g", "rules": made}]}))
    run(promtool, "check", "rules", "--lint=none", tmp_path / "rules.json")


# --- every alert ---


@dataclass(frozen=True)
class Case:
    """Series of one minute's steps, and the state of one alert at some minutes."""

    alert: str
    story: str
    series: dict[str, str]
    states: dict[int, str]
    made: Model = field(default_factory=lambda: model(RUNTIMES["custom"]))
    labels: JSON = field(default_factory=dict)
    """Labels of the alert beyond the model's own."""


CUSTOM, VLLM, TRITON = (model(RUNTIMES[runtime]) for runtime in ("custom", "vllm", "triton"))
TWO, VLLM_TWO = (model({**RUNTIMES[runtime], "replicas": 2}) for runtime in ("custom", "vllm"))
SCALED = CHECKED["autoscaled"]
OWN_NAMES = model(
    monitoring__signals={
        "requests": {"counter": "my_requests_total"},
        "errors": {"counter": "my_requests_total", "matchers": {"status": "5.."}},
        "latency": {"histogram": "my_latency_ms", "scale": 0.001},
    }
)


def up(value: str, pod: str = "p1", of: str = ID) -> dict[str, str]:
    return {f'up{{{of},pod="{pod}"}}': value}


def custom(requests: str, errors: str | None = None, pod: str = "p1", of: str = ID) -> dict[str, str]:
    return {
        f'inference_latency_seconds_count{{{of},pod="{pod}"}}': requests,
        **({f'inference_errors_total{{{of},pod="{pod}"}}': errors} if errors else {}),
    }


def buckets(name: str, of: str = ID, **by_bound: str) -> dict[str, str]:
    """A histogram; bounds are written with _ for the point, and the largest is infinity."""
    return {f'{name}_bucket{{{of},le="{bound}"}}': value for bound, value in _bounds(by_bound).items()}


def _bounds(by_bound: dict[str, str]) -> dict[str, str]:
    spelled = {bound.removeprefix("le").replace("_", "."): value for bound, value in by_bound.items()}
    return {("+Inf" if bound == "inf" else bound): value for bound, value in spelled.items()}


SLOW = {"le0_5": "0+0x120", "le1": "0+54x120", "le2_5": "0+60x120", "leinf": "0+60x120"}
FAST = {"le0_5": "0+60x120", "le1": "0+60x120", "le2_5": "0+60x120", "leinf": "0+60x120"}
IDLE = dict.fromkeys(SLOW, "7x120")
MENDED = {
    "le0_5": "0+0x40 0+60x80",
    "le1": "0+54x40 2160+60x80",
    "le2_5": "0+60x40 2400+60x80",
    "leinf": "0+60x40 2400+60x80",
}


def vllm(requests: str, failures: str | None = None, handler: str = "/v1/completions") -> dict[str, str]:
    return {
        f"vllm:e2e_request_latency_seconds_count{{{ID}}}": requests,
        f'http_requests_total{{{ID},status="2xx",handler="/v1/completions"}}': requests,
        **({f'http_requests_total{{{ID},status="5xx",handler="{handler}"}}': failures} if failures else {}),
    }


def triton(
    successes: str, failures: str | None, reason: str = "BACKEND", duration: str | None = None
) -> dict[str, str]:
    others = {f'nv_inference_request_failure{{{ID},reason="{r}"}}': "0x120" for r in ("REJECTED", "OTHER", "CANCELED")}
    return {
        f'nv_inference_request_success{{{ID},model="a"}}': successes,
        **(others | {f'nv_inference_request_failure{{{ID},reason="{reason}"}}': failures} if failures else {}),
        **({f'nv_inference_request_duration_us{{{ID},model="a"}}': duration} if duration else {}),
    }


P1 = {"pod": "p1"}
CASES = [
    # --- ModelTargetDown: 10 minutes; pods may load for 6 minutes, those of vllm for 61 ---
    Case(
        "ModelTargetDown",
        "fires",
        up("0x30"),
        {1: QUIET, 5: QUIET, 6: PENDING, 15: PENDING, 17: FIRING, 30: FIRING},
        labels=P1,
    ),
    Case("ModelTargetDown", "does not fire for a first load", up("0x5 1x30"), {3: QUIET, 11: QUIET, 30: QUIET}),
    Case(
        "ModelTargetDown",
        "does not fire for a load that takes a little too long",
        up("0x9 1x30"),
        {8: PENDING, 11: QUIET, 30: QUIET},
        labels=P1,
    ),
    Case(
        "ModelTargetDown",
        "fires for a death within the time of loading",
        up("0x1 1x1 0x40"),
        {1: QUIET, 4: PENDING, 12: PENDING, 15: FIRING, 40: FIRING},
        labels=P1,
    ),
    Case(
        "ModelTargetDown",
        "fires for a death after a long life",
        up("1x60 0x60"),
        {60: QUIET, 61: PENDING, 72: FIRING, 120: FIRING},
        labels=P1,
    ),
    Case(
        "ModelTargetDown",
        "does not fire for a new pod beside one that answers",
        up("1x90") | up("_x40 0x5 1x40", "p2"),
        {42: QUIET, 46: QUIET, 57: QUIET},
    ),
    Case(
        "ModelTargetDown",
        "fires for a new pod that does not come up",
        up("1x90") | up("_x40 0x40", "p2"),
        {45: QUIET, 48: PENDING, 58: FIRING},
        labels={"pod": "p2"},
    ),
    Case(
        "ModelTargetDown",
        "does not fire for a first load (vllm)",
        up("0x60 1x60"),
        {30: QUIET, 60: QUIET, 90: QUIET},
        VLLM,
    ),
    Case(
        "ModelTargetDown",
        "fires for a load that takes too long (vllm)",
        up("0x120"),
        {11: QUIET, 60: QUIET, 61: PENDING, 70: PENDING, 72: FIRING, 120: FIRING},
        VLLM,
        labels=P1,
    ),
    Case(
        "ModelTargetDown",
        "fires for a death after life (vllm)",
        up("1x10 0x200"),
        {10: QUIET, 12: PENDING, 22: FIRING, 60: FIRING, 100: FIRING, 200: FIRING},
        VLLM,
        labels=P1,
    ),
    Case(
        "ModelTargetDown",
        "fires for a death after a load (vllm)",
        up("0x40 1x5 0x200"),
        {40: QUIET, 46: QUIET, 48: PENDING, 58: FIRING, 110: FIRING, 200: FIRING},
        VLLM,
        labels=P1,
    ),
    Case(
        "ModelTargetDown",
        "fires for the one pod of two",
        up("1x30") | up("0x30", "p2"),
        {15: PENDING, 17: FIRING},
        labels={"pod": "p2"},
    ),
    Case("ModelTargetDown", "does not fire", up("1x30"), {11: QUIET, 30: QUIET}),
    Case(
        "ModelTargetDown",
        "does not fire for a short outage",
        up("1x5 0x8 1x20"),
        {12: PENDING, 16: QUIET, 30: QUIET},
        labels={"pod": "p1"},
    ),
    Case("ModelTargetDown", "no data", {}, {11: QUIET, 30: QUIET}),
    Case("ModelTargetDown", "recovers", up("0x20 1x15"), {19: FIRING, 22: QUIET}, labels=P1),
    Case("ModelTargetDown", "ends with its pod", up("0x20 stale"), {19: FIRING, 22: QUIET}, labels=P1),
    Case("ModelTargetDown", "leaves other models alone", up("0x30", of=OTHER_MODEL), {8: QUIET, 20: QUIET}),
    Case("ModelTargetDown", "leaves other namespaces alone", up("0x30", of=OTHER_NAMESPACE), {8: QUIET, 20: QUIET}),
    Case(
        "ModelTargetDown",
        "is not kept quiet by the life of others",
        up("0x30") | up("1x30", of=OTHER_MODEL) | up("1x30", of=OTHER_NAMESPACE),
        {17: FIRING},
        labels=P1,
    ),
    # --- ModelReplicasMissing: 15 minutes ---
    Case(
        "ModelReplicasMissing",
        "fires",
        up("1x60") | up("0x60", "p2"),
        {1: QUIET, 5: QUIET, 6: PENDING, 20: PENDING, 22: FIRING},
        TWO,
    ),
    Case("ModelReplicasMissing", "fires when no pod comes up", up("0x60"), {5: QUIET, 20: PENDING, 22: FIRING}),
    Case("ModelReplicasMissing", "fires when a pod is not even made", up("1x60"), {1: PENDING, 16: FIRING}, TWO),
    Case(
        "ModelReplicasMissing",
        "fires for a death after life",
        up("1x30 0x60"),
        {30: QUIET, 32: PENDING, 45: PENDING, 47: FIRING, 80: FIRING},
    ),
    Case("ModelReplicasMissing", "does not fire for a first load", up("0x5 1x60"), {3: QUIET, 16: QUIET, 22: QUIET}),
    Case(
        "ModelReplicasMissing",
        "does not fire while some load and others answer",
        up("1x60") | up("_x20 0x5 1x40", "p2") | up("1x20 stale", "p3"),
        {19: QUIET, 22: QUIET, 25: QUIET, 40: QUIET},
        TWO,
    ),
    Case(
        "ModelReplicasMissing",
        "fires when loading pods are too few",
        up("0x120"),
        {1: PENDING, 14: PENDING, 16: FIRING},
        VLLM_TWO,
    ),
    Case(
        "ModelReplicasMissing",
        "does not fire for a first load (vllm)",
        up("0x60 1x60") | up("0x55 1x60", "p2"),
        {1: QUIET, 30: QUIET, 60: QUIET, 90: QUIET},
        VLLM_TWO,
    ),
    Case(
        "ModelReplicasMissing",
        "fires for a load that takes too long (vllm)",
        up("0x120"),
        {30: QUIET, 60: QUIET, 61: PENDING, 75: PENDING, 77: FIRING, 120: FIRING},
        VLLM,
    ),
    Case(
        "ModelReplicasMissing",
        "fires for a death after life (vllm)",
        up("1x10 0x200"),
        {10: QUIET, 12: PENDING, 27: FIRING, 80: FIRING, 200: FIRING},
        VLLM,
    ),
    Case("ModelReplicasMissing", "no data is no replica (vllm)", {}, {14: PENDING, 16: FIRING}, VLLM),
    Case(
        "ModelReplicasMissing",
        "loading pods of others are no replicas",
        up("0x60", of=OTHER_MODEL) | up("1x60", of=OTHER_NAMESPACE),
        {14: PENDING, 16: FIRING},
        VLLM,
    ),
    Case("ModelReplicasMissing", "does not fire", up("1x60") | up("1x60", "p2"), {16: QUIET, 60: QUIET}, TWO),
    Case("ModelReplicasMissing", "does not fire with more than wanted", up("1x60") | up("1x60", "p2"), {16: QUIET}),
    Case("ModelReplicasMissing", "no data is no replica", {}, {14: PENDING, 16: FIRING}),
    Case("ModelReplicasMissing", "others are no replicas", up("1x60", of=OTHER_MODEL), {16: FIRING}),
    Case(
        "ModelReplicasMissing",
        "goes on when the last target disappears",
        up("1x9 stale"),
        {14: PENDING, 16: FIRING},
        TWO,
    ),
    Case("ModelReplicasMissing", "recovers", up("0x25 1x20"), {24: FIRING, 27: QUIET}),
    Case("ModelReplicasMissing", "recovers from no data", up("_x20 1x20"), {19: FIRING, 22: QUIET}),
    Case("ModelReplicasMissing", "asks an autoscaled model for its minimum", up("1x60"), {16: QUIET}, SCALED),
    # --- ModelNoData: 30 minutes ---
    Case("ModelNoData", "fires", up("1x90"), {29: PENDING, 31: FIRING}),
    Case(
        "ModelNoData",
        "fires when only others have the metric",
        up("1x90") | custom("1x90", of=OTHER_MODEL),
        {31: FIRING},
    ),
    Case("ModelNoData", "does not fire", up("1x90") | custom("0x90"), {31: QUIET, 90: QUIET}),
    Case("ModelNoData", "does not fire while no pod answers", up("0x90"), {31: QUIET}),
    Case("ModelNoData", "no data", {}, {31: QUIET}),
    Case("ModelNoData", "recovers", up("1x90") | custom("_x40 0+60x50"), {35: FIRING, 42: QUIET}),
    Case("ModelNoData", "fires for names of the spec", up("1x90") | custom("0+1x90"), {31: FIRING}, OWN_NAMES),
    Case(
        "ModelNoData",
        "does not fire for names of the spec",
        up("1x90") | {f'my_requests_total{{{ID},status="200"}}': "0x90"},
        {31: QUIET},
        OWN_NAMES,
    ),
    # --- ModelErrorRatioHigh: 10 minutes, 5 % ---
    Case("ModelErrorRatioHigh", "fires", custom("0+60x60", "0+6x60"), {9: PENDING, 13: FIRING}),
    Case("ModelErrorRatioHigh", "fires when every request fails", custom("0+60x60", "0+60x60"), {13: FIRING}),
    Case(
        "ModelErrorRatioHigh",
        "fires for one bad pod of two",
        custom("0+60x60", "0+0x60") | custom("0+60x60", "0+12x60", "p2"),
        {13: FIRING},
    ),
    Case("ModelErrorRatioHigh", "does not fire", custom("0+60x60", "0+2x60"), {13: QUIET, 60: QUIET}),
    Case("ModelErrorRatioHigh", "does not fire before the first error", custom("0+60x60"), {13: QUIET}),
    Case("ModelErrorRatioHigh", "does not fire without requests", custom("5x60", "5x60"), {13: QUIET}),
    Case("ModelErrorRatioHigh", "no data", {}, {13: QUIET}),
    Case("ModelErrorRatioHigh", "no data of this model", custom("0+60x60", "0+6x60", of=OTHER_MODEL), {13: QUIET}),
    Case("ModelErrorRatioHigh", "recovers", custom("0+60x60", "0+6x20 120x40"), {19: FIRING, 30: QUIET}),
    Case(
        "ModelErrorRatioHigh",
        "recovers when the requests end",
        custom("0+60x20 1200x40", "0+6x20 120x40"),
        {19: FIRING, 30: QUIET},
    ),
    Case(
        "ModelErrorRatioHigh",
        "fires for names of the spec",
        {f'my_requests_total{{{ID},status="200"}}': "0+54x60", f'my_requests_total{{{ID},status="503"}}': "0+6x60"},
        {13: FIRING},
        OWN_NAMES,
    ),
    Case(
        "ModelErrorRatioHigh",
        "does not fire for names of the spec",
        {f'my_requests_total{{{ID},status="200"}}': "0+54x60", f'my_requests_total{{{ID},status="404"}}': "0+6x60"},
        {13: QUIET},
        OWN_NAMES,
    ),
    Case("ModelErrorRatioHigh", "fires (vllm)", vllm("0+60x60", "0+6x60"), {9: PENDING, 13: FIRING}, VLLM),
    Case("ModelErrorRatioHigh", "fires when every request fails (vllm)", vllm("7x60", "0+60x60"), {13: FIRING}, VLLM),
    Case("ModelErrorRatioHigh", "does not fire (vllm)", vllm("0+60x60", "0+2x60"), {13: QUIET}, VLLM),
    Case(
        "ModelErrorRatioHigh", "does not count probes (vllm)", vllm("0+60x60", "0+60x60", "/health"), {13: QUIET}, VLLM
    ),
    Case("ModelErrorRatioHigh", "no data (vllm)", {}, {13: QUIET}, VLLM),
    Case("ModelErrorRatioHigh", "recovers (vllm)", vllm("0+60x60", "0+6x20 120x40"), {19: FIRING, 30: QUIET}, VLLM),
    Case("ModelErrorRatioHigh", "fires (triton)", triton("0+54x60", "0+6x60"), {9: PENDING, 13: FIRING}, TRITON),
    Case(
        "ModelErrorRatioHigh",
        "fires when every request fails (triton)",
        triton("7x60", "0+60x60"),
        {13: FIRING},
        TRITON,
    ),
    Case("ModelErrorRatioHigh", "does not fire (triton)", triton("0+60x60", "0+2x60"), {13: QUIET}, TRITON),
    Case(
        "ModelErrorRatioHigh",
        "does not count clients that leave (triton)",
        triton("0+60x60", "0+60x60", "CANCELED"),
        {13: QUIET},
        TRITON,
    ),
    Case("ModelErrorRatioHigh", "no data (triton)", {}, {13: QUIET}, TRITON),
    Case(
        "ModelErrorRatioHigh", "recovers (triton)", triton("0+60x60", "0+6x20 120x40"), {19: FIRING, 30: QUIET}, TRITON
    ),
    # --- ModelLatencyHigh: 15 minutes; 1 s, for vllm 60 s ---
    Case("ModelLatencyHigh", "fires", buckets("inference_latency_seconds", **SLOW), {14: PENDING, 18: FIRING}),
    Case("ModelLatencyHigh", "does not fire", buckets("inference_latency_seconds", **FAST), {18: QUIET, 60: QUIET}),
    Case(
        "ModelLatencyHigh", "does not fire without requests", buckets("inference_latency_seconds", **IDLE), {18: QUIET}
    ),
    Case("ModelLatencyHigh", "no data", {}, {18: QUIET}),
    Case(
        "ModelLatencyHigh",
        "no data of this model",
        buckets("inference_latency_seconds", OTHER_MODEL, **SLOW),
        {18: QUIET},
    ),
    Case("ModelLatencyHigh", "recovers", buckets("inference_latency_seconds", **MENDED), {39: FIRING, 50: QUIET}),
    Case(
        "ModelLatencyHigh",
        "fires for a histogram in milliseconds",
        buckets("my_latency_ms", le500="0+0x60", le1000="0+54x60", le2500="0+60x60", leinf="0+60x60"),
        {18: FIRING},
        OWN_NAMES,
    ),
    Case(
        "ModelLatencyHigh",
        "does not fire for a histogram in milliseconds",
        buckets("my_latency_ms", le500="0+60x60", le1000="0+60x60", le2500="0+60x60", leinf="0+60x60"),
        {18: QUIET},
        OWN_NAMES,
    ),
    *(
        Case("ModelLatencyHigh", story, buckets("vllm:e2e_request_latency_seconds", **given), states, VLLM)
        for story, given, states in (
            ("fires (vllm)", {"le60": "0+54x60", "le120": "0+60x60", "leinf": "0+60x60"}, {14: PENDING, 18: FIRING}),
            ("does not fire (vllm)", {"le60": "0+60x60", "le120": "0+60x60", "leinf": "0+60x60"}, {18: QUIET}),
            ("no data (vllm)", {}, {18: QUIET}),
            (
                "recovers (vllm)",
                {"le60": "0+54x30 1620+60x30", "le120": "0+60x30 1800+60x30", "leinf": "0+60x30 1800+60x30"},
                {29: FIRING, 40: QUIET},
            ),
        )
    ),
    Case(
        "ModelLatencyHigh",
        "fires (triton)",
        triton("0+60x60", "0+0x60", duration="0+90000000x60"),
        {14: PENDING, 18: FIRING},
        TRITON,
    ),
    Case(
        "ModelLatencyHigh",
        "does not fire (triton)",
        triton("0+60x60", "0+0x60", duration="0+30000000x60"),
        {18: QUIET},
        TRITON,
    ),
    Case(
        "ModelLatencyHigh",
        "does not fire without requests (triton)",
        triton("7x60", "0x60", duration="9x60"),
        {18: QUIET},
        TRITON,
    ),
    Case("ModelLatencyHigh", "no data (triton)", {}, {18: QUIET}, TRITON),
    Case(
        "ModelLatencyHigh",
        "recovers (triton)",
        triton("0+60x60", "0+0x60", duration="0+90000000x30 2700000000+30000000x30"),
        {29: FIRING, 40: QUIET},
        TRITON,
    ),
]


def expected(case: Case, state: str) -> list[JSON]:
    if state == QUIET:
        return []
    severity = next(alert.severity for alert in ALERTS if alert.name == case.alert)
    labels = {
        "__name__": "ALERTS",
        "alertname": case.alert,
        "alertstate": state,
        "severity": severity,
        "namespace": "risk",
        "monitored_model": "churn",
        **case.labels,
    }
    listed = ",".join(f'{name}="{value}"' for name, value in labels.items() if name != "__name__")
    return [{"labels": f"ALERTS{{{listed}}}", "value": 1}]


def check(promtool: Path, folder: Path, made: Model, test: JSON) -> None:
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules(made)))
    whole = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [{"interval": "1m", **test}]}
    (folder / "test.yaml").write_text(yaml.safe_dump(whole))
    run(promtool, "test", "rules", folder / "test.yaml")


def series(given: dict[str, str]) -> list[JSON]:
    return [{"series": name, "values": values} for name, values in given.items()]


@pytest.mark.parametrize("case", CASES, ids=[f"{case.alert} {case.story}" for case in CASES])
def test_alert_is_in_the_state_that_the_data_ask_for(promtool: Path, tmp_path: Path, case: Case) -> None:
    states = [
        {"expr": f'ALERTS{{alertname="{case.alert}"}}', "eval_time": f"{minute}m", "exp_samples": expected(case, state)}
        for minute, state in case.states.items()
    ]
    check(promtool, tmp_path, case.made, {"input_series": series(case.series), "promql_expr_test": states})


@pytest.mark.parametrize("alert", [alert.name for alert in ALERTS])
def test_every_alert_is_covered(alert: str) -> None:
    stories = {case.story for case in CASES if case.alert == alert}
    assert any(story.startswith("fires") for story in stories)
    assert any(story.startswith("does not fire") for story in stories)
    assert any(story.startswith("no data") for story in stories)
    assert "recovers" in stories
    assert all(FIRING in case.states.values() for case in CASES if case.story.startswith(("fires", "recovers")))


@pytest.mark.parametrize("runtime", [runtime for runtime in RUNTIMES if runtime != "custom"])
@pytest.mark.parametrize("alert", ["ModelErrorRatioHigh", "ModelLatencyHigh"])
def test_alerts_that_depend_on_the_runtime_are_covered_for_each(alert: str, runtime: str) -> None:
    stories = {case.story for case in CASES if case.alert == alert and case.made.profile.id == runtime}
    assert {f"{what} ({runtime})" for what in ("fires", "does not fire", "no data", "recovers")} <= stories


# --- what an alert says ---

WHO = {"namespace": "risk", "monitored_model": "churn"}


@dataclass(frozen=True)
class Said:
    """What an alert says of some series at some minute."""

    made: Model
    series: dict[str, str]
    minute: int
    alert: str
    labels: JSON
    summary: str
    description: str
    value: str = ""


SAID = [
    Said(
        CUSTOM,
        up("0x30"),
        20,
        "ModelTargetDown",
        {"severity": "warning", "pod": "p1"},
        "A pod of a model does not answer scrapes.",
        "Pod p1 of risk/churn has not answered Prometheus",
    ),
    Said(
        TWO,
        {},
        20,
        "ModelReplicasMissing",
        {"severity": "critical"},
        "A model has fewer working replicas than it should.",
        "risk/churn should have 2 replicas",
    ),
    Said(
        CUSTOM,
        up("1x60"),
        40,
        "ModelNoData",
        {"severity": "info"},
        "A model answers scrapes, but not with the metrics that its rules read.",
        "risk/churn exposes none of the series",
    ),
    Said(
        CUSTOM,
        custom("0+60x60", "0+6x60"),
        20,
        "ModelErrorRatioHigh",
        {"severity": "critical"},
        "A model fails too many requests.",
        "risk/churn fails 10% of its requests; the limit is 0.05.",
        "10%",
    ),
    Said(
        TRITON,
        triton("0+60x60", "0+0x60", duration="0+90000000x60"),
        20,
        "ModelLatencyHigh",
        {"severity": "warning"},
        "A model answers too slowly.",
        "risk/churn takes 1.5s for a request; the limit is 1 s.",
        "1.5s",
    ),
]


def filled(text: str, labels: JSON, value: str) -> str:
    """A template with labels and the value filled in, as Prometheus would."""
    for name, known in labels.items():
        text = text.replace(f"{{{{ $labels.{name} }}}}", known)
    for form in ("humanizePercentage", "humanizeDuration"):
        text = text.replace(f"{{{{ $value | {form} }}}}", value)
    return text


@pytest.mark.parametrize("said", SAID, ids=[said.alert for said in SAID])
def test_alert_says_which_model_and_what_is_wrong(promtool: Path, tmp_path: Path, said: Said) -> None:
    labels = {**WHO, **said.labels}
    groups = rules(said.made)["groups"]
    (rule,) = [rule for group in groups for rule in group["rules"] if rule.get("alert") == said.alert]
    annotations = {name: filled(text, labels, said.value) for name, text in rule["annotations"].items()}
    assert annotations["summary"] == said.summary
    assert annotations["description"].startswith(said.description)
    told = {"exp_labels": labels, "exp_annotations": annotations}
    test = [{"eval_time": f"{said.minute}m", "alertname": said.alert, "exp_alerts": [told]}]
    check(promtool, tmp_path, said.made, {"input_series": series(said.series), "alert_rule_test": test})


def test_every_alert_is_read() -> None:
    assert {said.alert for said in SAID} == {alert.name for alert in ALERTS}


@pytest.mark.parametrize(
    "text", ["{{ query `up` }}", "{{", "}}", "{{{{", '{{ "{{" }}', "{{/*", "{{- 5 -}}", "a\nb", "é{{😀"]
)
def test_label_of_a_user_reaches_the_alert_as_it_stands(promtool: Path, tmp_path: Path, text: str) -> None:
    made = model({**RUNTIMES["custom"], "monitoring": {"alerts": {"labels": {"team": text}}}})
    (rule,) = [r for group in rules(made)["groups"] for r in group["rules"] if r.get("alert") == "ModelTargetDown"]
    labels = {**WHO, "severity": "warning", "pod": "p1"}
    annotations = {name: filled(body, labels, "") for name, body in rule["annotations"].items()}
    told: JSON = {"exp_labels": {**labels, "team": text}, "exp_annotations": annotations}
    test = [{"eval_time": "20m", "alertname": "ModelTargetDown", "exp_alerts": [told]}]
    check(promtool, tmp_path, made, {"input_series": series(up("0x30")), "alert_rule_test": test})


# --- recorded series ---

RECORDED: list[tuple[Model, dict[str, str], dict[str, float]]] = [
    (
        CUSTOM,
        custom("0+60x60", "0+6x60")
        | buckets("inference_latency_seconds", le1="0+30x60", le2="0+60x60", leinf="0+60x60"),
        {
            "monitored_model:inference_throughput": 1,
            "monitored_model:inference_errors": 0.1,
            "monitored_model:inference_errors:ratio": 0.1,
            "monitored_model:inference_latency:p50": 1,
            "monitored_model:inference_latency:p95": 1.9,
            "monitored_model:inference_latency:p99": 1.98,
        },
    ),
    (
        OWN_NAMES,
        {f'my_requests_total{{{ID},status="200"}}': "0+54x60", f'my_requests_total{{{ID},status="503"}}': "0+6x60"}
        | buckets("my_latency_ms", le1000="0+30x60", le2000="0+60x60", leinf="0+60x60"),
        {
            "monitored_model:inference_throughput": 1,
            "monitored_model:inference_errors": 0.1,
            "monitored_model:inference_errors:ratio": 0.1,
            "monitored_model:inference_latency:p50": 1,
            "monitored_model:inference_latency:p95": 1.9,
            "monitored_model:inference_latency:p99": 1.98,
        },
    ),
    (
        VLLM,
        vllm("0+54x60", "0+6x60")
        | buckets("vllm:e2e_request_latency_seconds", le1="0+30x60", le2="0+60x60", leinf="0+60x60"),
        {
            "monitored_model:inference_throughput": 1,
            "monitored_model:inference_errors": 0.1,
            "monitored_model:inference_errors:ratio": 0.1,
            "monitored_model:inference_latency:p50": 1,
            "monitored_model:inference_latency:p95": 1.9,
            "monitored_model:inference_latency:p99": 1.98,
        },
    ),
    (
        TRITON,
        triton("0+54x60", "0+6x60", duration="0+81000000x60"),
        {
            "monitored_model:inference_throughput": 1,
            "monitored_model:inference_errors": 0.1,
            "monitored_model:inference_errors:ratio": 0.1,
            "monitored_model:inference_latency:mean": 1.5,
        },
    ),
]


@pytest.mark.parametrize(("made", "given", "values"), RECORDED, ids=["custom", "own names", "vllm", "triton"])
def test_recorded_series_have_the_catalogue_names_and_units_and_identity_only(
    promtool: Path, tmp_path: Path, made: Model, given: dict[str, str], values: dict[str, float]
) -> None:
    assert values.keys() == recordings(made).keys()
    tests: list[dict[str, Any]] = [
        {
            "expr": f"round({name}, 0.0001)",
            "eval_time": "30m",
            "exp_samples": [{"labels": f"{{{ID}}}", "value": value}],
        }
        for name, value in values.items()
    ]
    check(promtool, tmp_path, made, {"input_series": series(given), "promql_expr_test": tests})
