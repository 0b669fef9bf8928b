"""Which labels satisfy the selectors of Prometheus and Alertmanager objects, and what is reported of each selector."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitored_models.integrations.prometheus.label_selector import (
    ANY_VALUE,
    Requirement,
    labels_to_add,
    parse_selector,
    satisfies,
)
from monitored_models.integrations.prometheus.selectors import Outcome, Selections, selections_of
from monitored_models.naming.kinds import ALERTMANAGER, PROMETHEUS, PROMETHEUS_AGENT, Kind
from monitored_models.settings import MAX_LABELS, FoundLabels, Settings

ALL: dict[str, Any] = {}
KEYS, VALUES = ("a", "b"), ("1", "2", ANY_VALUE)
FIXED = {"b": "1"}


def labels(**pairs: str) -> dict[str, Any]:
    return {"matchLabels": pairs}


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, **({"values": [*values]} if values else {})}]}


def named(*namespaces: str, operator: str = "In") -> dict[str, Any]:
    return expression("kubernetes.io/metadata.name", operator, *namespaces)


def selecting(name: str, namespace: str = "monitoring", kind: Kind = PROMETHEUS, **spec: Any) -> tuple[Kind, Any]:
    return kind, {"metadata": {"name": name, "namespace": namespace}, "spec": spec}


def monitors(name: str, selector: Any, namespaces: Any = None, namespace: str = "monitoring") -> tuple[Kind, Any]:
    """A Prometheus that selects ServiceMonitors."""
    spec = {} if namespaces is None else {"serviceMonitorNamespaceSelector": namespaces}
    return selecting(name, namespace, serviceMonitorSelector=selector, **spec)


def selections(*objects: tuple[Kind, Any], **settings: Any) -> Selections:
    return Selections([each for kind, body in objects for each in selections_of(kind, body)], Settings(**settings))


def found(known: Selections, namespace: str = "risk") -> dict[str, str]:
    return dict(known.found_labels(namespace).service_monitor_labels)


def outcomes(known: Selections, selects: str = "ServiceMonitor") -> dict[str, str]:
    return {each.by.name: each.outcome for each in known.findings if each.selects == selects}


def explanation(known: Selections, name: str) -> str:
    (text,) = (each.explanation for each in known.findings if each.by.name == name and each.selects == "ServiceMonitor")
    return text


# --- label selectors ---


def matches(selector: Mapping[str, Any], present: Mapping[str, str]) -> bool:
    """Kubernetes' definition of a label selector, on its JSON."""
    rules = [(key, "In", [value]) for key, value in selector.get("matchLabels", {}).items()]
    rules += [(e["key"], e["operator"], e.get("values", [])) for e in selector.get("matchExpressions", [])]
    for key, operator, values in rules:
        listed_value, exists = present.get(key) in values, key in present
        holds = {"In": listed_value, "NotIn": not listed_value, "Exists": exists, "DoesNotExist": not exists}
        if not holds[operator]:
            return False
    return True


keys = st.sampled_from(KEYS)


def listed(operator: str, *values: str) -> st.SearchStrategy[dict[str, Any]]:
    chosen = st.lists(st.sampled_from(values), min_size=1, unique=True)
    return st.fixed_dictionaries({"key": keys, "operator": st.just(operator), "values": chosen})


bare = st.fixed_dictionaries({"key": keys, "operator": st.sampled_from(["Exists", "DoesNotExist"])})
selector_bodies = st.fixed_dictionaries(
    {},
    optional={
        "matchLabels": st.dictionaries(keys, st.sampled_from(VALUES)),
        "matchExpressions": st.lists(listed("In", *VALUES) | listed("NotIn", "1", "2") | bare, max_size=3),
    },
)
ASSIGNMENTS = [
    {key: value for key, value in zip(KEYS, chosen, strict=True) if value is not None}
    for chosen in itertools.product((None, "3", *VALUES), repeat=len(KEYS))
]


@given(selector_bodies, st.sampled_from(ASSIGNMENTS))
def test_selector_means_what_it_means_to_kubernetes(body: dict[str, Any], present: dict[str, str]) -> None:
    parsed = parse_selector(body)
    assert parsed is not None
    assert satisfies(present, parsed) == matches(body, present)


@given(st.lists(selector_bodies, max_size=3), st.sampled_from([{}, FIXED]))
def test_labels_satisfy_all_selectors_or_none_exist(bodies: list[dict[str, Any]], fixed: dict[str, str]) -> None:
    added = labels_to_add([part for body in bodies for part in parse_selector(body) or ()], fixed)
    solutions = [each for each in ASSIGNMENTS if all(matches(body, {**each, **fixed}) for body in bodies)]
    if added is None:
        assert not solutions
    else:
        assert all(matches(body, {**added, **fixed}) for body in bodies)
        assert not added.keys() & fixed.keys()
        assert all(added.keys() <= {*each, *fixed} for each in solutions), "no label that is not required"


@pytest.mark.parametrize("body", ["text", 3, [], None], ids=str)
def test_what_is_no_selector_selects_nothing(body: Any) -> None:
    assert parse_selector(body) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("a b", "1"),
        ("", "1"),
        ("a", "x y"),
        ("a", "x" * 64),
        ("x" * 64, "1"),
        (f"{'d' * 254}/a", "1"),
        ("/a", "1"),
        ("a..b/c", "1"),
        ("a-.b/c", "1"),
    ],
)
def test_label_that_the_api_server_refuses_is_not_used(key: str, value: str) -> None:
    assert labels_to_add([Requirement(key, "In", frozenset({value}))], {}) is None


def test_empty_value_is_a_label() -> None:
    assert labels_to_add([Requirement("a", "In", frozenset({""}))], {}) == {"a": ""}


def test_number_of_labels_is_bounded() -> None:
    many = [Requirement(f"k{n}", "Exists") for n in range(MAX_LABELS + 1)]
    assert labels_to_add(many, {}) is None
    assert len(labels_to_add(many[1:], {}) or ()) == MAX_LABELS


def test_operator_that_is_unknown_cannot_be_satisfied() -> None:
    assert labels_to_add([Requirement("a", "Gt", frozenset({"1"}))], {}) is None


# --- selections ---


def test_labels_come_for_each_kind_of_child() -> None:
    known = selections(
        selecting(
            "kps",
            serviceMonitorSelector=labels(release="kps"),
            serviceMonitorNamespaceSelector=ALL,
            ruleSelector=labels(rules="kps"),
            ruleNamespaceSelector=ALL,
        ),
        selecting(
            "agent",
            kind=PROMETHEUS_AGENT,
            serviceMonitorSelector=labels(agent="yes"),
            serviceMonitorNamespaceSelector=ALL,
            ruleSelector=labels(never="read"),
        ),
        selecting(
            "main",
            kind=ALERTMANAGER,
            alertmanagerConfigSelector=labels(alerts="kps"),
            alertmanagerConfigNamespaceSelector=ALL,
        ),
    )
    assert known.found_labels("risk") == FoundLabels(
        service_monitor_labels=(("agent", "yes"), ("release", "kps")),
        prometheus_rule_labels=(("rules", "kps"),),
        alertmanager_config_labels=(("alerts", "kps"),),
    )
    assert {each.outcome for each in known.findings} == {Outcome.SELECTED}
    assert len(known.findings) == 4


def test_no_selector_selects_nothing_and_an_empty_one_everything() -> None:
    known = selections(monitors("nil", None, ALL), monitors("all", ALL, ALL))
    assert found(known) == {}
    assert outcomes(known) == {"nil": Outcome.SELECTS_NOTHING, "all": Outcome.SELECTED}


@pytest.mark.parametrize(
    ("namespaces", "reached"),
    [
        (None, ["monitoring"]),
        (ALL, ["monitoring", "risk", "search"]),
        (labels(**{"kubernetes.io/metadata.name": "risk"}), ["risk"]),
        (named("risk", "search"), ["risk", "search"]),
        (named("risk", operator="NotIn"), ["monitoring", "search"]),
        (expression("kubernetes.io/metadata.name", "Exists"), ["monitoring", "risk", "search"]),
        (expression("kubernetes.io/metadata.name", "DoesNotExist"), []),
    ],
    ids=lambda value: str(sorted(value)) if isinstance(value, set) else str(value),
)
def test_namespace_selector_decides_which_namespaces_get_the_labels(namespaces: Any, reached: list[str]) -> None:
    known = selections(monitors("kps", labels(release="kps"), namespaces))
    assert [each for each in ("monitoring", "risk", "search") if found(known, each)] == reached
    assert outcomes(known)["kps"] == (Outcome.SELECTED if reached else Outcome.OTHER_NAMESPACES)


def test_namespace_labels_are_not_read_so_the_selector_counts_and_this_is_reported() -> None:
    known = selections(monitors("kps", labels(release="kps"), {**labels(team="a"), **named("risk", "search")}))
    assert found(known) == {"release": "kps"}
    assert found(known, "other") == {}
    assert "does not read" in explanation(known, "kps")


def test_selection_of_a_namespace_that_is_not_served_is_left_out() -> None:
    known = selections(monitors("own", labels(team="a")), namespaces=("risk",))
    assert found(known) == {}
    assert outcomes(known) == {"own": Outcome.OTHER_NAMESPACES}


def test_several_that_ask_for_different_labels_get_all() -> None:
    known = selections(monitors("a", labels(release="a"), ALL), monitors("b", labels(team="b"), ALL))
    assert found(known) == {"release": "a", "team": "b"}
    assert set(outcomes(known).values()) == {Outcome.SELECTED}


def test_several_that_disagree_get_the_configured_labels_only() -> None:
    known = selections(monitors("a", {**labels(release="a", more="1")}, ALL), monitors("b", labels(release="b"), ALL))
    assert found(known) == {}
    assert outcomes(known) == {"a": Outcome.DISAGREES, "b": Outcome.DISAGREES}
    text = explanation(known, "a")
    assert "Prometheus monitoring/b requires release=b" in text
    assert "serviceMonitorLabels" in text


def test_disagreement_of_three_of_which_each_two_agree_is_noticed() -> None:
    pairs = {"a": ("1", "2"), "b": ("2", "3"), "c": ("1", "3")}
    known = selections(*(monitors(name, expression("k", "In", *values), ALL) for name, values in pairs.items()))
    assert found(known) == {}
    assert set(outcomes(known).values()) == {Outcome.DISAGREES}


def test_disagreement_ends_where_the_settings_decide() -> None:
    objects = monitors("a", labels(release="a", more="1"), ALL), monitors("b", labels(release="b"), ALL)
    known = selections(*objects, service_monitor_labels={"release": "a"})
    assert found(known) == {"more": "1"}
    assert outcomes(known) == {"a": Outcome.SELECTED, "b": Outcome.CANNOT_MATCH}


def test_tenants_with_a_prometheus_each_do_not_disagree() -> None:
    known = selections(
        monitors("own", labels(team="a"), namespace="team-a"), monitors("own", labels(team="b"), namespace="team-b")
    )
    assert [found(known, each) for each in ("team-a", "team-b", "risk")] == [{"team": "a"}, {"team": "b"}, {}]
    assert set(outcomes(known).values()) == {Outcome.SELECTED}


def test_disagreement_in_one_namespace_leaves_the_others_alone() -> None:
    known = selections(monitors("all", labels(team="x"), ALL), monitors("own", labels(team="a"), namespace="team-a"))
    assert found(known) == {"team": "x"}
    assert found(known, "team-a") == {}
    assert "in namespace team-a" in explanation(known, "all")


def test_selection_that_may_not_reach_the_namespace_gives_way() -> None:
    known = selections(
        monitors("maybe", labels(release="m"), labels(team="a")), monitors("sure", labels(release="s"), ALL)
    )
    assert found(known) == {"release": "s"}
    assert outcomes(known) == {"maybe": Outcome.DISAGREES, "sure": Outcome.SELECTED}


@pytest.mark.parametrize(
    ("selector", "outcome"),
    [
        (labels(**{"app.kubernetes.io/managed-by": "monitored-models"}), Outcome.SELECTED),
        (expression("monitoredmodels.dev/model", "Exists"), Outcome.SELECTED),
        (expression("app.kubernetes.io/name", "NotIn", "node-exporter"), Outcome.SELECTED),
        (labels(**{"app.kubernetes.io/managed-by": "Helm"}), Outcome.CANNOT_MATCH),
        (labels(**{"app.kubernetes.io/name": "churn"}), Outcome.CANNOT_MATCH),
        (expression("monitoredmodels.dev/model", "DoesNotExist"), Outcome.CANNOT_MATCH),
    ],
    ids=str,
)
def test_labels_of_the_operator_itself_are_never_changed(selector: Any, outcome: str) -> None:
    known = selections(monitors("kps", selector, ALL))
    assert found(known) == {}
    assert outcomes(known) == {"kps": outcome}


def test_selector_that_cannot_match_does_not_disturb_the_others() -> None:
    broken = {**labels(release="x", more="1"), **expression("release", "NotIn", "x")}
    known = selections(monitors("broken", broken, ALL), monitors("kps", labels(release="kps"), ALL))
    assert found(known) == {"release": "kps"}
    assert outcomes(known) == {"broken": Outcome.CANNOT_MATCH, "kps": Outcome.SELECTED}


def test_full_map_of_configured_labels_is_no_obstacle_to_a_selector_that_it_satisfies() -> None:
    full = {f"k{n}": "v" for n in range(MAX_LABELS)}
    known = selections(
        monitors("kps", labels(k1="v"), ALL), monitors("more", labels(k="v"), ALL), service_monitor_labels=full
    )
    assert found(known) == {}
    assert outcomes(known) == {"kps": Outcome.SELECTED, "more": Outcome.CANNOT_MATCH}


@given(st.permutations(range(4)))
def test_order_of_a_list_decides_nothing(order: list[int]) -> None:
    objects = [
        monitors("a", expression("k", "In", "2", "1"), ALL),
        monitors("b", expression("k", "In", "3", "2", "1"), ALL),
        monitors("c", labels(release="c"), ALL),
        monitors("d", labels(release="d"), ALL, namespace="other"),
    ]
    shuffled = selections(*(objects[n] for n in order))
    assert shuffled.known == selections(*objects).known
    assert shuffled.findings == selections(*objects).findings


def test_settings_take_what_is_found_and_keep_what_is_configured() -> None:
    settings = Settings(service_monitor_labels={"release": "mine", "own": "1"})
    merged = settings.with_found(FoundLabels(service_monitor_labels=(("release", "found"), ("team", "a"))))
    assert merged.service_monitor_labels == {"release": "mine", "own": "1", "team": "a"}
    assert merged.prometheus_rule_labels == {}
    assert merged.platform == settings.platform
