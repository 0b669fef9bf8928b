"""Pages on the alerts of models: tied to the alerts both ways, and every query, field and series in them exists.

A page's code stands in single backticks, and each piece of it is one of four: a command, a field (`spec.…`, `status.…`,
perhaps with a value), one word (a label, a reason, a flag), or PromQL. In it NAMESPACE, NAME, POD and the like stand for what
the reader fills in.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest

from modelsignals import names as exposed
from monitored_models.api.monitoring import Signals
from monitored_models.codegen.crd import openapi_schema
from monitored_models.naming import labels
from monitored_models.render.rules import quality, slos
from monitored_models.render.rules.alerts.groups import ALERTS
from monitored_models.render.rules.alerts.objective_alerts import OBJECTIVES
from monitored_models.render.rules.catalogue import CATALOGUE, Context
from monitored_models.render.rules.promql import metrics_in
from monitored_models.render.rules.scope import FleetScope
from monitored_models.render.rules.signals import SignalSource
from monitored_models.runtimes import builtin_runtimes
from monitored_models.telemetry.model_metrics import FAMILIES

RUNBOOKS = Path(__file__).parents[3] / "docs/runbooks"
HOLDS = {alert.name: alert.for_ for alert in ALERTS} | {alert.name: alert.for_ for alert in OBJECTIVES}
PAGES = [path for path in sorted(RUNBOOKS.glob("*.md")) if not path.stem.startswith("MonitoredModels")]
SECTIONS = ["Meaning", "Impact", "First checks", "Ways out"]
LONGEST = 25

COMMAND = re.compile(r"(kubectl|mmctl) .+")
FIELD = re.compile(r"(?P<path>(spec|status)(\.\w+|\[\])+)(: [\w.%]+)?")
WORD = re.compile(r"[\w.:/*…-]+")
PLACEHOLDERS = {"METRIC"}

OF_PROMETHEUS = {"up", "ALERTS", "scrape_duration_seconds", "scrape_samples_post_metric_relabeling"}
OF_THE_KUBELET = {
    "container_cpu_cfs_periods_total",
    "container_cpu_cfs_throttled_periods_total",
    "container_memory_working_set_bytes",
    "kubelet_volume_stats_capacity_bytes",
    "kubelet_volume_stats_used_bytes",
}
RECORDED = {entry.series for entry in CATALOGUE} | {
    slos.EVENTS,
    slos.BAD,
    slos.EVENTS_HALF_HOUR,
    slos.BAD_HALF_HOUR,
    slos.BUDGET_LEFT,
}


def of_servers() -> set[str]:
    """Names that servers of the runtimes expose, with what client libraries append."""
    families = {*exposed.ALL, *quality.SHARES, quality.LITERAL_ERROR, quality.UPDATED, "process_start_time_seconds"}
    for profile in builtin_runtimes().values():
        families |= {*SignalSource(profile, Signals()).metrics(), *profile.core}
    return families | {f"{name}_{end}" for name in families for end in ("bucket", "sum", "count")}


SERIES = RECORDED | {family.name for family in FAMILIES} | OF_PROMETHEUS | OF_THE_KUBELET | of_servers()


def code(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def is_field(piece: str) -> bool:
    return piece.startswith(("spec.", "status."))


def queries(text: str) -> list[str]:
    """Pieces of code that are nothing else, so that a query with a mistake in it is still taken for one."""
    return [p for p in code(text) if not (COMMAND.fullmatch(p) or is_field(p) or WORD.fullmatch(p))]


def section(page: Path, title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", page.read_text(), re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def selectors(query: str) -> list[promql.VectorSelector]:
    found: list[promql.VectorSelector] = []

    def look(node: promql.Expr) -> promql.Expr | None:
        named = node.vector_selector if isinstance(node, promql.MatrixSelector) else node
        if isinstance(named, promql.VectorSelector):
            found.append(named)
        return None

    promql.transform(promql.parse(query), None, look)
    return found


@cache
def schema() -> dict[str, Any]:
    return openapi_schema()


def exists(path: str) -> bool:
    """Whether the schema of a MonitoredModel has a field."""
    place = schema()
    for part in path.replace("[]", ".[]").split("."):
        if part == "[]":
            inner = place.get("items")
        else:
            inner = place.get("properties", {}).get(part) or place.get("additionalProperties")
        if not isinstance(inner, dict):
            return False
        place = inner
    return True


def in_words(duration: str) -> str:
    number, unit = int(duration[:-1]), {"m": "minute", "h": "hour"}[duration[-1]]
    return f"{number} {unit}s" if number > 1 else {"minute": "a minute", "hour": "an hour"}[unit]


every_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    assert {page.stem for page in PAGES} == set(HOLDS)


@every_page
def test_page_is_short_and_has_its_sections(page: Path) -> None:
    text = page.read_text()
    assert re.findall(r"^#+ (.+)$", text, re.MULTILINE) == [page.stem, *SECTIONS]
    assert text.count("\n") <= LONGEST
    assert all(section(page, title).strip() for title in SECTIONS)


@every_page
def test_page_has_three_checks_that_can_be_carried_out(page: Path) -> None:
    lines = section(page, "First checks").strip().splitlines()
    assert [line[:3] for line in lines] == ["1. ", "2. ", "3. "]
    for line in lines:
        assert queries(line) or [piece for piece in code(line) if COMMAND.fullmatch(piece)], line


@every_page
def test_queries_can_be_asked(page: Path) -> None:
    """They parse, they are about the one model, and what they read exists."""
    for query in queries(page.read_text()):
        for selector in selectors(query):
            matchers = {matcher.name: matcher.value for matcher in selector.matchers.matchers}
            assert matchers.get("namespace") == "NAMESPACE", query
        for name in metrics_in(query) - PLACEHOLDERS:
            alternatives = name.split("|") if re.fullmatch(r"[\w:|]+", name) else [name]
            for alternative in alternatives:
                assert any(re.fullmatch(alternative, known) for known in SERIES), (query, alternative)


@every_page
def test_commands_say_in_which_namespace(page: Path) -> None:
    for command in filter(COMMAND.fullmatch, code(page.read_text())):
        assert re.search(r" -n NAMESPACE( |$)| -A( |$)|/namespaces/NAMESPACE/|^kubectl cordon NODE$", command), command
        for selected in re.findall(r" -[lL] (\S+)", command):
            assert selected in {f"{labels.MODEL}=NAME", labels.VERSION}, command


@every_page
def test_names_in_the_text_exist(page: Path) -> None:
    text = page.read_text()
    assert set(re.findall(r"monitored_model:[\w:]*\w", re.sub(r'=~"[^"]*"', "", text))) <= RECORDED
    for word in filter(WORD.fullmatch, code(text)):
        if word.startswith("monitored_model") and not word.endswith("*"):
            assert word in {*SERIES, labels.SERIES_MODEL, labels.SERIES_VERSION, labels.MODEL, labels.VERSION}, word
    assert set(re.findall(r"\bModel[A-Z]\w+", text)) <= set(HOLDS)


@every_page
def test_fields_in_the_text_exist(page: Path) -> None:
    for piece in filter(is_field, code(page.read_text())):
        found = FIELD.fullmatch(piece)
        assert found, piece
        assert exists(found["path"]), piece
    for path in re.findall(r"jsonpath='\{\.([\w.]+)\}'", page.read_text()):
        assert exists(path), path


@every_page
def test_page_says_how_to_change_its_alert(page: Path) -> None:
    last = section(page, "Ways out").strip().splitlines()[-1]
    path = f"spec.monitoring.alerts.rules.{page.stem}"
    rules = schema()
    for part in path.split("."):
        rules = rules["properties"][part]
    assert code(last)[0] == path
    assert set(code(last)[1:]) == set(rules["properties"])


@every_page
def test_page_says_how_long_it_takes(page: Path) -> None:
    meaning = section(page, "Meaning").lower()
    hold = in_words(HOLDS[page.stem])
    # What holds for the last hour, of which a minute is asked, is said as an hour.
    assert f"for {hold}" in meaning or hold == "a minute"


@pytest.mark.parametrize(
    ("name", "burns"), [("ModelErrorBudgetFastBurn", slos.PAGE), ("ModelErrorBudgetSlowBurn", slos.TICKET)]
)
def test_page_of_a_budget_names_its_windows_and_factors(name: str, burns: tuple[slos.BurnRateWindow, ...]) -> None:
    meaning = section(RUNBOOKS / f"{name}.md", "Meaning")
    for burn in burns:
        times = f"{burn.factor:g} times" if burn.factor != 1 else "the budget itself"
        assert re.search(rf"more than {times}( the budget)? over {burn.long} and still over {burn.short}\b", meaning)


def test_page_on_impossible_values_has_a_way_out_of_each_check() -> None:
    alert = next(alert for alert in ALERTS if alert.name == "ModelValuesImpossible")
    contexts = [
        Context(SignalSource(p, Signals()), FleetScope(p.id), quality.DEFAULT_WINDOW)
        for p in builtin_runtimes().values()
    ]
    checks = {check for made in contexts for check in re.findall(r'"check", "(\w+)"', alert.expression(made) or "")}
    assert len(checks) > 5
    told = section(RUNBOOKS / "ModelValuesImpossible.md", "Ways out")
    for check in checks:
        assert f"`{check}`" in told or (check.endswith("_beyond_0_to_1") and "`…_beyond_0_to_1`" in told), check
