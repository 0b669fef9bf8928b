"""What a model inherits: which of settings, profile and model wins, what is left out, and what is said of it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitored_models.api import (
    InvalidSpec,
    Model,
    PlatformDefaults,
    ProfileSpec,
    parse,
    profile_name,
    profile_problems,
)
from monitored_models.api.layering import Layer, layers, merge_layers, origins
from monitored_models.runtimes import builtin_runtimes
from unit.specs import IMAGE, JSON, MINIMAL, VLLM, body

FAST: JSON = {"name": "fast", "objective": 99, "indicator": {"latency": {"threshold": "500ms"}}}
UP: JSON = {"name": "up", "objective": 99.9, "indicator": {"availability": {}}}


def inherited(
    own: JSON | None = None, shared: JSON | None = None, operator: JSON | None = None, spec: JSON | None = None
) -> Model:
    """A model with these three for its monitoring."""
    made = parse(
        body({**(spec or MINIMAL), "monitoring": own or {}}),
        PlatformDefaults(monitoring=operator or {}),
        None if shared is None else ProfileSpec("gold", shared),
    )
    assert isinstance(made, Model), str(made)
    return made


def reasons(made: Model) -> list[str]:
    return [note.reason for note in made.notes]


# --- who wins ---

WINNERS: list[tuple[str, JSON, JSON, JSON, str]] = [
    ("nobody", {}, {}, {}, "30s"),
    ("the operator", {}, {}, {"scrape": {"interval": "20s"}}, "20s"),
    ("the profile", {}, {"scrape": {"interval": "25s"}}, {"scrape": {"interval": "20s"}}, "25s"),
    (
        "the model",
        {"scrape": {"interval": "35s"}},
        {"scrape": {"interval": "25s"}},
        {"scrape": {"interval": "20s"}},
        "35s",
    ),
    (
        "the model, by what is the default",
        {"scrape": {"interval": "30s"}},
        {"scrape": {"interval": "25s"}},
        {},
        "30s",
    ),
]


@pytest.mark.parametrize(
    ("own", "shared", "operator", "interval"), [row[1:] for row in WINNERS], ids=[row[0] for row in WINNERS]
)
def test_nearest_that_says_something_wins(own: JSON, shared: JSON, operator: JSON, interval: str) -> None:
    made = inherited(own, shared, operator)
    assert (made.scrape_interval, made.notes) == (interval, ())


def test_maps_are_joined_field_by_field() -> None:
    made = inherited(
        {"scrape": {"path": "/own"}, "alerts": {"labels": {"team": "risk"}, "rules": {"ModelNoData": {"for": "9m"}}}},
        {
            "scrape": {"interval": "20s"},
            "alerts": {"labels": {"team": "ml", "tier": "gold"}},
            "quality": {"window": "7d"},
        },
        {
            "scrape": {"timeout": "5s"},
            "alerts": {"rules": {"ModelNoData": {"severity": "info"}}},
            "quality": {"accuracy": {"min": 0.9}},
        },
    ).monitoring
    assert (made.scrape.path, made.scrape.interval, made.scrape.timeout) == ("/own", "20s", "5s")
    assert made.alerts.labels == {"team": "risk", "tier": "gold"}
    assert (made.alerts.rules.model_no_data.for_, made.alerts.rules.model_no_data.severity) == ("9m", "info")
    assert made.quality is not None
    assert made.quality.accuracy is not None
    assert (made.quality.window, made.quality.accuracy.min) == ("7d", 0.9)


def test_spec_stays_as_it_was_written() -> None:
    made = inherited({"scrape": {"path": "/own"}}, {"scrape": {"interval": "20s"}})
    assert (made.spec.monitoring.scrape.interval, made.spec.monitoring.scrape.path) == (None, "/own")


def test_list_is_replaced_whole() -> None:
    made = inherited({"metrics": {"keep": ["a"]}}, {"metrics": {"keep": ["b", "c"], "drop": ["d"]}}).monitoring
    assert (made.metrics.keep, made.metrics.drop) == (["a"], ["d"])


def test_empty_list_replaces_a_list() -> None:
    assert inherited({"metrics": {"keep": []}}, {"metrics": {"keep": ["b"]}}).monitoring.metrics.keep == []


def test_objectives_are_the_same_by_name() -> None:
    made = inherited({"slos": [{**FAST, "objective": 95}]}, {"slos": [FAST, UP]}, {"slos": [{**UP, "objective": 90}]})
    assert [(slo.name, slo.objective) for slo in made.monitoring.slos] == [("up", 99.9), ("fast", 95)]
    assert made.notes == ()


def test_objective_of_the_same_name_is_replaced_whole() -> None:
    near = {"name": "fast", "objective": 95, "indicator": {"availability": {}}}
    (made,) = inherited({"slos": [near]}, {"slos": [{**FAST, "window": "28d"}]}).monitoring.slos
    assert (made.window, made.indicator.latency) == ("30d", None)


def test_model_without_objectives_of_its_own_keeps_those_of_the_profile() -> None:
    assert [slo.name for slo in inherited({"slos": []}, {"slos": [UP]}).monitoring.slos] == ["up"]


def test_signals_are_replaced_one_by_one_and_whole() -> None:
    made = inherited(
        {"signals": {"requests": {"counter": "own_total"}}},
        {
            "signals": {
                "requests": {"counter": "theirs_total", "matchers": {"path": "/predict"}},
                "latency": {"histogram": "theirs_ms", "scale": 0.001},
            }
        },
    ).monitoring.signals
    assert made is not None
    assert made.requests is not None
    assert made.latency is not None
    assert (made.requests.counter, made.requests.matchers) == ("own_total", {})
    assert (made.latency.histogram, made.latency.scale) == ("theirs_ms", 0.001)


@pytest.mark.parametrize("runtime", ["vllm", "triton", "x-own"])
def test_names_of_signals_are_inherited_by_the_custom_runtime_only(runtime: str) -> None:
    own = replace(builtin_runtimes()["custom"], id="x-own")
    spec = {"image": IMAGE, "runtime": runtime, "model": {"uri": "file:///models/churn"}}
    signals = {"signals": {"requests": {"counter": "theirs_total"}}}
    made = parse(
        body(spec),
        PlatformDefaults({**builtin_runtimes(), "x-own": own}, {**signals, "scrape": {"timeout": "5s"}}),
        ProfileSpec("gold", {**signals, "scrape": {"interval": "20s"}}),
    )
    assert isinstance(made, Model), str(made)
    assert (made.monitoring.signals, made.notes) == (None, ())
    assert (made.monitoring.scrape.interval, made.monitoring.scrape.timeout) == ("20s", "5s")


def test_port_of_the_metrics_can_be_inherited() -> None:
    assert inherited(shared={"scrape": {"port": 9100}}).metrics_port == 9100


def test_inherited_monitoring_is_the_same_in_every_process() -> None:
    """Sets have another order in each process; texts that are made from maps must not."""
    code = (
        "from monitored_models.api.layering import Layer, merge_layers; import json;"
        "far, near = ({'alerts': {'labels': {f'{who}{n}': '' for n in range(9)}}} for who in 'fn');"
        "print(json.dumps(merge_layers([Layer('a', far), Layer('b', near)])))"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": str(seed)}, capture_output=True, check=True
        ).stdout
        for seed in range(3)
    }
    assert len(made) == 1


values = st.none() | st.integers(0, 3) | st.text("ab", max_size=2)
trees = st.dictionaries(
    st.sampled_from("abc"), st.recursive(values, lambda t: st.dictionaries(st.sampled_from("abc"), t))
)


@given(trees, trees, trees)
def test_laying_over_does_not_depend_on_the_order_of_joining(one: JSON, two: JSON, three: JSON) -> None:
    first, second, third = Layer("1", one), Layer("2", two), Layer("3", three)
    assert merge_layers([first, second, third]) == merge_layers([Layer("12", merge_layers([first, second])), third])
    assert merge_layers([first, first]) == merge_layers([first]) == one


# --- which profile ---


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ({"monitoring": {"profile": "gold"}}, "gold"),
        ({"monitoring": {}}, None),
        ({}, None),
        ({"monitoring": None}, None),
        ({"monitoring": {"profile": 5}}, None),
        ({"monitoring": "x"}, None),
        (None, None),
        ("x", None),
    ],
)
def test_profile_that_a_model_names(spec: Any, name: str | None) -> None:
    assert profile_name(body(spec)) == name


def test_profile_that_does_not_exist_is_said_and_the_rest_counts() -> None:
    made = inherited({"profile": "gold", "scrape": {"path": "/own"}}, operator={"scrape": {"interval": "20s"}})
    assert reasons(made) == ["ProfileNotFound"]
    assert "gold" in made.notes[0].message
    assert (made.monitoring.scrape.path, made.monitoring.scrape.interval) == ("/own", "20s")


def test_no_profile_named_default_is_nothing_to_be_said() -> None:
    assert inherited().notes == ()


# --- what cannot be inherited ---

UNUSABLE: list[tuple[str, JSON, str]] = [
    ("a type", {"scrape": {"interval": 30}}, "profile gold.scrape.interval"),
    ("a typo", {"scrap": {}}, "did you mean scrape?"),
    ("a rule", {"scrape": {"interval": "5m"}}, "must not be above 2m"),
    ("a name twice", {"slos": [UP, UP]}, "twice"),
]


@pytest.mark.parametrize(("shared", "told"), [row[1:] for row in UNUSABLE], ids=[row[0] for row in UNUSABLE])
def test_profile_that_is_wrong_by_itself_is_left_out_whole(shared: JSON, told: str) -> None:
    made = inherited({"dashboard": {"folder": "own"}}, {**shared, "freshness": {"maxAge": "1d"}}, {"drift": {}})
    assert reasons(made) == ["ProfileInvalid"]
    assert told in made.notes[0].message
    assert made.monitoring.freshness is None
    assert made.monitoring.drift is not None
    assert made.monitoring.dashboard.folder == "own"
    assert profile_problems(shared) is not None


MISFITS: list[tuple[str, JSON, JSON, str]] = [
    ("a timeout above the interval", {"scrape": {"timeout": "20s"}}, {"scrape": {"interval": "15s"}}, "timeout"),
    ("limits upside down", {"drift": {"warning": 0.2}}, {"drift": {"critical": 0.15, "warning": 0.1}}, "critical"),
    ("too many objectives", {"slos": [{**UP, "name": f"a{n}"} for n in range(5)]}, {"slos": [{**UP, "name": f"b{n}"} for n in range(5)]}, "8"),
]  # fmt: skip


@pytest.mark.parametrize(("own", "shared", "told"), [row[1:] for row in MISFITS], ids=[row[0] for row in MISFITS])
def test_profile_that_does_not_fit_the_model_is_left_out_whole(own: JSON, shared: JSON, told: str) -> None:
    assert profile_problems(shared) is None
    made = inherited(own, {**shared, "freshness": {"maxAge": "1d"}})
    assert reasons(made) == ["ProfileInvalid"]
    assert told in made.notes[0].message
    assert made.monitoring.freshness is None
    assert made.monitoring == inherited(own).monitoring


def test_defaults_of_the_operator_that_do_not_fit_are_left_out() -> None:
    made = inherited({"scrape": {"timeout": "20s"}}, operator={"scrape": {"interval": "15s", "timeout": "5s"}})
    assert reasons(made) == ["DefaultsInvalid"]
    assert made.scrape_interval == "30s"


def test_profile_is_not_left_out_for_what_is_wrong_with_the_operators_defaults() -> None:
    made = inherited(
        {"scrape": {"timeout": "20s"}},
        {"freshness": {"maxAge": "1d"}},
        {"scrape": {"interval": "15s", "timeout": "5s"}},
    )
    assert reasons(made) == ["DefaultsInvalid"]
    assert made.monitoring.freshness is not None


def test_model_that_is_right_only_with_its_profile_is_right() -> None:
    """Admission lets it in for this: what is left out comes from elsewhere."""
    made = parse(
        body({**MINIMAL, "monitoring": {"scrape": {"timeout": "45s"}}}),
        None,
        ProfileSpec("gold", {"scrape": {"interval": "60s"}}),
    )
    assert not isinstance(made, InvalidSpec), str(made)


@pytest.mark.parametrize("where", ["shared", "operator"])
def test_null_is_nothing_wherever_it_stands(where: str) -> None:
    made = inherited(**{where: {"scrape": {"interval": None, "path": "/m"}, "dashboard": None}})
    assert (made.notes, made.monitoring.scrape.path) == ((), "/m")


@pytest.mark.parametrize("spec", [MINIMAL, VLLM], ids=["custom", "vllm"])
@pytest.mark.parametrize("shared", ["text", 5, ["a"]])
def test_profile_that_is_no_map_is_left_out_and_said(spec: JSON, shared: Any) -> None:
    made = parse(body(spec), None, ProfileSpec("gold", shared))
    assert isinstance(made, Model)
    assert reasons(made) == ["ProfileInvalid"]


# --- where each value comes from ---


def of(own: JSON, shared: JSON | None = None, operator: JSON | None = None, runtime: str = "custom") -> dict[str, str]:
    there = None if shared is None else ProfileSpec("gold", shared)
    return origins(layers(own, there, PlatformDefaults(monitoring=operator or {}), runtime))


def test_origin_is_the_nearest_that_gives_the_value() -> None:
    found = of(
        {"scrape": {"path": "/own"}},
        {"scrape": {"interval": "20s", "path": "/theirs"}},
        {"scrape": {"interval": "10s", "timeout": "5s"}},
    )
    assert found == {"scrape.path": "model", "scrape.interval": "profile gold", "scrape.timeout": "operator"}


def test_what_is_replaced_whole_leaves_no_origin_behind() -> None:
    found = of(
        {
            "slos": [{"name": "fast", "objective": 95, "indicator": {"availability": {}}}],
            "signals": {"requests": {"counter": "a"}},
        },
        {
            "slos": [FAST, UP],
            "signals": {"requests": {"counter": "b", "matchers": {"x": "y"}}, "queue": {"gauge": "q"}},
        },
    )
    theirs = {path for path, origin in found.items() if origin == "profile gold"}
    assert theirs == {"slos[up].name", "slos[up].objective", "slos[up].indicator.availability", "signals.queue.gauge"}
    assert found["slos[fast].indicator.availability"] == "model"
    assert "slos[fast].indicator.latency.threshold" not in found
    assert "signals.requests.matchers.x" not in found


def test_signals_that_are_not_inherited_have_no_origin() -> None:
    found = of({"dashboard": {}}, {"signals": {"requests": {"counter": "a"}}, "drift": {}}, runtime="vllm")
    assert found == {"drift": "profile gold", "dashboard": "model"}


def test_model_that_says_nothing_is_the_origin_of_nothing() -> None:
    assert of({}, {"drift": {}}) == {"drift": "profile gold"}
