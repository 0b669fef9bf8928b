"""Every rule under promtool: all read it, the linter finds nothing, groups stay small, and labels stay the same.

The oldest Prometheus that is supported is Debian bookworm's, 2.42; the newest is the one that the other tests run.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest

from monitored_models.api import Model, parse
from monitored_models.api.monitoring import CounterSignal
from monitored_models.api.validation import PROMQL_WORDS, all_rules
from monitored_models.files.local_objects import read
from monitored_models.render.rules import fleet
from monitored_models.render.rules.promql import quote
from monitored_models.telemetry.model_metrics import FAMILIES
from promtool import harness
from promtool.cases.case import SPECS
from unit.specs import FULL, JSON, NASTY, RUNTIMES, body, model, with_

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))
MOST_RULES = 20
"""A group of them is evaluated in one go, and seen as a whole in Prometheus' pages."""


def of_example(path: Path) -> dict[str, Model]:
    """Every model of an example, by the name of the file and its own."""
    manifests, found = read([path]), {}
    for document in manifests.models:
        made = parse(document.body, harness.SETTINGS.platform, manifests.profile_of(document))
        assert isinstance(made, Model), made
        found[f"{path.stem}/{document.name}"] = made
    return found


_SLOS: list[JSON] = [
    {"name": f"objective-{number}", "objective": 99.9, "window": window, "indicator": indicator}
    for number, (window, indicator) in enumerate(
        itertools.product(
            ("28d", "30d"),
            (
                {"availability": {}},
                {"latency": {"threshold": "300ms"}},
                {"ttft": {"threshold": "2s"}},
                {"ratio": {"total": {"counter": "my_total"}, "good": {"counter": "my_good_total"}}},
            ),
        )
    )
]
"""As many as there may be."""
EVERYTHING_ON: JSON = {name: {"enabled": True} for name in sorted(FULL["monitoring"]["alerts"]["rules"])}


def with_everything(spec: JSON) -> JSON:
    return with_(
        spec,
        {
            "monitoring.slos": _SLOS,
            "monitoring.quality": FULL["monitoring"]["quality"],
            "monitoring.drift": {},
            "monitoring.freshness": {"maxAge": "30d"},
            "monitoring.alerts.rules": EVERYTHING_ON,
            "storage": FULL["storage"],
        },
    )


MODELS: dict[str, Model] = {
    **{name: made for path in EXAMPLES for name, made in of_example(path).items()},
    **{runtime: model(spec) for runtime, spec in RUNTIMES.items()},
    **{f"{runtime} with everything": model(with_everything(spec)) for runtime, spec in RUNTIMES.items()},
    **{f"case: {name}": model(spec) for name, spec in SPECS.items() if name not in RUNTIMES},
    "every field": model(FULL),
    "every field and objective": model(with_everything(FULL)),
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
                "latency": {"histogram": "h", "scale": 1e-07, "matchers": {"a": 'x"y', "b": "\\$x"}},
            },
            "slos": [
                {
                    "name": "hostile",
                    "objective": 99.99,
                    "indicator": {
                        "ratio": {
                            "total": {"counter": "c", "matchers": {"a": 'x"y', "c": "a\nb"}},
                            "bad": {"counter": "c", "matchers": {"a": "[$window]", "d": "é😀"}},
                        }
                    },
                }
            ],
        },
    ),
    "slow scrapes": model(monitoring={"scrape": {"interval": "2m"}}),
    "no probes": model(probes={"startup": {"enabled": False}, "readiness": {"enabled": False}}),
    "longest loading": model(probes__startup={"periodSeconds": 86400, "initialDelaySeconds": 86400}),
}


# --- that every Prometheus reads them ---


def test_rules_of_all_models_pass_the_linter(any_promtool: Path, tmp_path: Path) -> None:
    """In one go, and each model's by itself: rules of two may have the same name and labels."""
    files = []
    for number, made in enumerate(MODELS.values()):
        files.append(tmp_path / f"{number}.json")
        harness.write_rules(files[-1], harness.rules_of(made))
    harness.run(any_promtool, "check", "rules", "--lint=all", "--lint-fatal", *files)


def test_rules_of_a_fleet_pass_the_linter(any_promtool: Path, tmp_path: Path) -> None:
    harness.write_rules(tmp_path / "rules.json", harness.fleet_groups())
    harness.run(any_promtool, "check", "rules", "--lint=all", "--lint-fatal", tmp_path / "rules.json")


@pytest.mark.filterwarnings("ignore:Possible")  # of which the parser has a test of its own
def test_every_matcher_that_is_admitted_is_one_that_prometheus_reads(any_promtool: Path, tmp_path: Path) -> None:
    """All short combinations of what means something in a regular expression, and some longer ones."""
    parts = ["a", "é", "-", "*", "?", "(", ")", "[", "]", "|", "^", "$", "\\", "\\d", "{", ":", "\n"]
    tried = ["".join(chosen) for length in range(4) for chosen in itertools.product(parts, repeat=length)]
    tried += [f"[{''.join(chosen)}]" for chosen in itertools.product(parts, repeat=3)]
    matcher_rules = [rule for rule in all_rules() if rule.on is CounterSignal]
    admitted = [
        text
        for text in tried
        if all(rule.holds(CounterSignal(counter="c", matchers={"a": text})) for rule in matcher_rules)
    ]
    assert len(admitted) > 1000
    made = [{"record": f"r{number}", "expr": f"up{{a=~{quote(text)}}}"} for number, text in enumerate(admitted)]
    harness.write_rules(tmp_path / "rules.json", [{"name": "g", "rules": made}])
    harness.run(any_promtool, "check", "rules", "--lint=none", tmp_path / "rules.json")


WORDS = re.findall(
    r"\w+",
    """and or unless atan2 offset by without on ignoring group_left group_right bool start end step fill fill_left
    fill_right anchored smoothed inf nan histogram_desc sum avg count min max group stddev stdvar topk bottomk
    count_values quantile limitk limit_ratio eq_regex counter_reset_hint buckets schema z_bucket n_offset rate irate
    increase delta absent absent_over_time time vector scalar histogram_quantile pi range duration info""",
)
"""Words of PromQL: keywords, operators, aggregations, functions, and those of its series descriptions."""


def test_every_name_of_a_metric_that_is_admitted_is_one_that_prometheus_reads(
    any_promtool: Path, tmp_path: Path
) -> None:
    """All that PromQL has words for, in every case: where it is no name, the words that are refused have it."""
    words = [spelled for word in WORDS for spelled in (word, word.upper(), word.capitalize())]
    admitted = [word for word in words if word.lower() not in PROMQL_WORDS]
    assert len(admitted) > 100
    made = [{"record": f"r{number}", "expr": f'{name}{{a="b"}}'} for number, name in enumerate(admitted)]
    harness.write_rules(tmp_path / "rules.json", [{"name": "g", "rules": made}])
    harness.run(any_promtool, "check", "rules", "--lint=none", tmp_path / "rules.json")


# --- that they stay small, and the same ---


def sizes(groups: list[JSON]) -> dict[str, int]:
    return {group["name"]: len(group["rules"]) for group in groups}


@pytest.mark.parametrize("name", MODELS)
def test_no_group_of_a_model_has_more_than_twenty_rules(name: str) -> None:
    found = sizes(harness.rules_of(MODELS[name]))
    assert max(found.values()) <= MOST_RULES, found


def test_no_group_of_a_fleet_has_more_than_twenty_rules() -> None:
    found = sizes(harness.fleet_groups())
    assert max(found.values()) <= MOST_RULES, found


@pytest.mark.parametrize("groups", [harness.rules_of(made) for made in MODELS.values()], ids=MODELS)
def test_groups_have_names_of_their_own_and_none_is_empty(groups: list[JSON]) -> None:
    assert len(sizes(groups)) == len(groups)
    assert all(sizes(groups).values())


def labels_by_rule(groups: list[JSON]) -> list[tuple[str, Any]]:
    return [(harness.name_of(rule), rule.get("labels")) for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("spec", [FULL, *RUNTIMES.values()], ids=["every field", *RUNTIMES])
def test_rules_do_not_change_with_the_version_or_the_generation(spec: JSON) -> None:
    """Else each release of a model would begin new series, and end alerts that are about to fire."""
    found = []
    for generation, version in ((1, "1"), (2, "2"), (900, "2026-11-20_r.9")):
        made = parse(body(with_(spec, {"model.version": version}), generation=generation))
        assert isinstance(made, Model), made
        found.append(harness.rules_of(made))
    assert found[0] == found[1] == found[2]
    assert not {"version", "generation", "monitored_model_version"} & {
        name for _, labels in labels_by_rule(found[0]) for name in labels or ()
    }


@pytest.mark.parametrize("name", MODELS)
def test_recorded_series_have_no_label_but_that_of_their_objective(name: str) -> None:
    recorded = harness.recorded(harness.rules_of(MODELS[name]))
    assert {label for _, labels in labels_by_rule(recorded) for label in labels or ()} <= {"slo"}


def test_recorded_series_of_a_fleet_have_no_label_but_that_of_their_runtime() -> None:
    recorded = harness.recorded(harness.fleet_groups())
    assert {label for _, labels in labels_by_rule(recorded) for label in labels or ()} <= {"runtime"}


# --- that what they read is there ---

_OPERATORS = re.compile(r"\bmonitored_model_[a-z_]+\b(?=\s*[{)\[]|\s|$)")


def test_rules_read_no_series_of_the_operator_that_it_does_not_export() -> None:
    exported = {family.name for family in FAMILIES}
    wanted = {name for made in MODELS.values() for name, _, _ in fleet.series(made)}
    in_models = [rule for made in MODELS.values() for group in harness.rules_of(made) for rule in group["rules"]]
    in_fleet = [rule for group in harness.fleet_groups() for rule in group["rules"]]
    assert _read(in_models) <= exported
    assert _read(in_fleet) <= exported | wanted
    assert wanted <= _read(in_fleet)


def _read(rules: list[JSON]) -> set[str]:
    labels = {"monitored_model_version"}
    return {name for rule in rules for name in _OPERATORS.findall(rule["expr"])} - labels


def test_series_of_a_fleet_are_each_there_once() -> None:
    for made in MODELS.values():
        found = [(name, tuple(sorted(labels.items()))) for name, labels, _ in fleet.series(made)]
        assert len(found) == len(set(found))
