"""Which metrics of a server Prometheus keeps: whatever the rules read, whatever a spec keeps, and no more than it may."""

from __future__ import annotations

import re

import pytest

from modelsignals import names as exposed
from monitored_models.api import Model
from monitored_models.render.rules.quality import LITERAL_ERROR, SHARES, UPDATED
from monitored_models.render.scrape.metric_relabeling import ALWAYS_KEPT, core, selection
from monitored_models.runtimes import builtin_runtimes
from unit.promql_helpers import read_names
from unit.render.rules.test_alerts import WATCHED
from unit.render.test_children import KUBELET
from unit.render_helpers import children, expressions, relabelings
from unit.specs import FULL, JSON, MINIMAL, OBJECTIVES, RUNTIMES, VLLM, model, with_

OF_PROMETHEUS = ("ALERTS", "up", "scrape_samples_post_metric_relabeling")
"""Series that Prometheus itself makes of a scrape, after what is dropped."""
WITHOUT_RATIOS = with_(
    {"monitoring": WATCHED},
    {"monitoring.slos": [slo for slo in WATCHED["slos"] if "ratio" not in slo["indicator"]]},
)["monitoring"]


def kept(made: Model, name: str) -> bool:
    """What Prometheus decides of a series; its expressions are anchored."""
    for rule in relabelings(made):
        assert rule["sourceLabels"] == ["__name__"]
        matched = re.fullmatch(rule["regex"], name) is not None
        if matched == (rule["action"] == "drop"):
            return False
    return True


POOL = sorted(
    {
        *exposed.ALL,
        *SHARES,
        LITERAL_ERROR,
        UPDATED,
        *(name for each in builtin_runtimes().values() for name in each.core),
        *(
            name
            for each in builtin_runtimes().values()
            for name in re.findall(r"[a-zA-Z_:][a-zA-Z0-9_:]+", repr(each.signals))
        ),
        *(
            f"inference_{ending}"
            for ending in ("requests_total", "latency_seconds_count", "throughput", "latency_count")
        ),
        *(f"{prefix}request_success_total" for prefix in ("", "trtllm_")),
    }
)
"""Names that may be meant where an expression matches a name."""


def read_of_the_server(made: Model) -> set[str]:
    """Series of the model's own targets that its rules and panels read."""
    read = {name for expression in expressions(made) for name in read_names(expression)}
    plain = {name for name in read if re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", name)}
    matched = {name for pattern in read - plain for name in POOL if re.fullmatch(pattern, name)}
    assert all(any(re.fullmatch(pattern, name) for name in POOL) for pattern in read - plain)
    return {
        name
        for name in (*plain, *matched)
        if name not in KUBELET
        and name not in OF_PROMETHEUS
        and not name.startswith(("monitored_model:", "monitored_model_"))
    }


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_core_is_all_that_rules_and_panels_read(runtime: str) -> None:
    both: tuple[JSON, ...] = ({}, WITHOUT_RATIOS)
    for monitoring in both:
        made = model(with_(RUNTIMES[runtime], {"monitoring": {**monitoring, "metrics": {"selection": "core"}}}))
        read = read_of_the_server(made)
        assert read
        assert {name for name in read if not kept(made, name)} == set()


def test_core_is_all_that_rules_and_panels_read_under_names_of_the_spec() -> None:
    made = model(with_(FULL, {"monitoring.slos": WITHOUT_RATIOS["slos"]}))
    read = read_of_the_server(made)
    assert {"my_requests_total", "my_latency_ms_bucket", "my_ttft_ms_bucket", "my_tokens_total", "my_cache"} <= read
    assert {name for name in read if not kept(made, name)} == set()


@pytest.mark.parametrize("kind", ["few-are-refused", "most-are-cached"])
@pytest.mark.parametrize(
    "spec", [VLLM, with_(MINIMAL, {"monitoring.metrics.selection": "core"})], ids=["vllm", "custom"]
)
def test_core_has_the_counters_of_an_objective(spec: JSON, kind: str) -> None:
    slo = {"name": "a", "objective": 99, "indicator": OBJECTIVES[kind]}
    made = model(with_(spec, {"monitoring.slos": [slo]}))
    assert {name for name in read_of_the_server(made) if not kept(made, name)} == set()


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_metrics_that_the_profile_adds_are_kept(runtime: str) -> None:
    made = model(RUNTIMES[runtime], monitoring__metrics__selection="core")
    for name in (*made.runtime.core, *ALWAYS_KEPT):
        assert kept(made, name)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_core_is_what_a_runtime_keeps_unless_its_author_chooses_the_metrics(runtime: str) -> None:
    made = model(RUNTIMES[runtime])
    assert selection(made) == ("all" if runtime == "custom" else "core")
    assert kept(made, "something_else_total") == (runtime == "custom")


@pytest.mark.parametrize(("spec", "wanted"), [(VLLM, "all"), (MINIMAL, "core")], ids=["all", "core"])
def test_selection_of_the_spec_wins(spec: JSON, wanted: str) -> None:
    made = model(spec, monitoring__metrics__selection=wanted)
    assert selection(made) == wanted
    assert kept(made, "something_else_total") == (wanted == "all")


def test_everything_is_kept_without_a_rule() -> None:
    assert relabelings(model()) == []


@pytest.mark.parametrize("ending", ["", "_total", "_bucket", "_sum", "_count", "_created"])
@pytest.mark.parametrize(
    "given", ["my_metric", "my_metric_total", "my_metric_bucket", "my_metric_count", "my_metric_sum"]
)
def test_name_stands_for_its_whole_family(given: str, ending: str) -> None:
    """Client libraries append what the server's code does not say."""
    assert kept(model(VLLM, monitoring__metrics__keep=[given]), f"my_metric{ending}")
    assert not kept(model(VLLM, monitoring__metrics__drop=[given]), f"my_metric{ending}")
    assert not kept(model(monitoring__metrics__drop=[given]), f"my_metric{ending}")


@pytest.mark.parametrize(
    "name", ["my_metrics", "my_metric_seconds", "a_my_metric", "my_metric_total_total", "my_metri"]
)
def test_name_stands_for_no_other(name: str) -> None:
    assert not kept(model(VLLM, monitoring__metrics__keep=["my_metric"]), name)
    assert kept(model(monitoring__metrics__drop=["my_metric"]), name)


def test_what_is_dropped_is_dropped_whatever_else_is_said() -> None:
    made = model(VLLM, monitoring__metrics={"keep": ["a", "b"], "drop": ["b", "vllm:num_requests_waiting"]})
    assert kept(made, "a")
    assert not kept(made, "b")
    assert not kept(made, "vllm:num_requests_waiting")
    assert [rule["action"] for rule in relabelings(made)] == ["keep", "drop"]


def test_order_of_names_in_the_spec_does_not_matter() -> None:
    one = model(VLLM, monitoring__metrics={"keep": ["a", "b"], "drop": ["d", "c", "d"]})
    other = model(VLLM, monitoring__metrics={"keep": ["b", "a"], "drop": ["c", "d"]})
    assert relabelings(one) == relabelings(other)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_names_of_the_catalogue_are_kept_where_the_authors_code_runs(runtime: str) -> None:
    made = model(RUNTIMES[runtime], monitoring__metrics__selection="core")
    own = {*exposed.ALL, *SHARES, LITERAL_ERROR, UPDATED}
    assert own <= set(core(made)) or not made.runtime.instrumented
    if made.runtime.instrumented:
        for name in own:
            assert kept(made, name)
    else:
        assert not kept(made, "model_drift_score")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_core_is_small(runtime: str) -> None:
    """A whole rule is one expression, which Prometheus matches with each name of each scrape."""
    (rule,) = relabelings(model(RUNTIMES[runtime], monitoring__metrics__selection="core"))
    assert len(rule["regex"]) < 4000
    assert re.compile(rule["regex"])


# --- how much is taken ---


def test_limits_of_a_scrape_reach_the_monitor() -> None:
    spec = children(model(FULL))["ServiceMonitor"]["spec"]
    assert (spec["sampleLimit"], spec["labelLimit"], spec["labelValueLengthLimit"], spec["bodySizeLimit"]) == (
        5000,
        32,
        512,
        "8MB",
    )


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_scrape_has_limits(runtime: str) -> None:
    """A server gone wild takes down its own scrape, and not the Prometheus of everybody."""
    spec = children(model(RUNTIMES[runtime]))["ServiceMonitor"]["spec"]
    assert (spec["sampleLimit"], spec["labelLimit"], spec["labelValueLengthLimit"], spec["bodySizeLimit"]) == (
        10000,
        64,
        1024,
        "32MB",
    )
    assert spec["fallbackScrapeProtocol"]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_series_get_the_identity_of_their_pod(runtime: str) -> None:
    (endpoint,) = children(model(RUNTIMES[runtime]))["ServiceMonitor"]["spec"]["endpoints"]
    targets = {rule["targetLabel"] for rule in endpoint["relabelings"]}
    assert targets == {"monitored_model", "monitored_model_version"}
