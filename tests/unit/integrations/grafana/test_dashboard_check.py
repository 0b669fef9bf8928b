"""What is said of a dashboard, from what Grafana said and when; and which changes of version wait to be marked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitored_models.integrations.grafana.dashboard_check import (
    DashboardCheck,
    GrafanaSnapshot,
    State,
    VersionChange,
    evaluate,
    last_version_change,
)
from monitored_models.integrations.grafana.tracker import (
    ANNOTATED_SECONDS,
    MAX_ATTEMPTS,
    MAX_PENDING,
    AnnotationQueue,
    DashboardTracker,
)
from monitored_models.integrations.tracker import Outage
from monitored_models.naming.keys import Key
from testbed.clock import now

GRACE, TOLERANCE = 300.0, 120.0
KEY, OTHER, UID = Key("a", "m"), Key("a", "n"), "mm-1"
HERE, EMPTY = GrafanaSnapshot(frozenset({UID}), "Prometheus"), GrafanaSnapshot(frozenset(), "Prometheus")
FAILING = GrafanaSnapshot(frozenset({UID}), "Prometheus", "the data source Prometheus does not answer: refused")
SILENT, DENIED = Outage("GrafanaUnreachable", "no answer"), Outage("GrafanaForbidden", "Invalid API key")


def said(reason: str, words: str = "") -> DashboardCheck:
    status = {"Loaded": "True", "NotLoaded": "False", "DataSourceFailing": "False"}.get(reason, "Unknown")
    return DashboardCheck(status, reason, words)


@dataclass(frozen=True)
class Row:
    expected: str
    state: State
    before: DashboardCheck | None = None
    since: float = 0.0


def seen(look: GrafanaSnapshot, at: float = 1000.0, **more: Any) -> State:
    return State(look, at, **more)


ROWS = [
    # Grafana has not answered this process yet: what the status says stands
    Row("Unknown NotChecked", State()),
    *(
        Row(f"{said(name).status} {name}", State(), said(name))
        for name in ("Loaded", "NotLoaded", "DataSourceFailing", "GrafanaUnreachable", "GrafanaForbidden", "Loading")
    ),
    Row("Unknown NotChecked", State(), said("NotApplied")),
    # it answers
    Row("True Loaded", seen(HERE)),
    Row("True Loaded", seen(HERE), said("NotLoaded")),
    Row("True Loaded", seen(HERE), said("GrafanaUnreachable")),
    Row("True Loaded", seen(HERE), said("DataSourceFailing")),
    # and has not got it: for a while that is no news
    Row("Unknown Loading", seen(EMPTY, 299)),
    Row("Unknown Loading", seen(EMPTY, 299), said("NotChecked")),
    Row("Unknown Loading", seen(EMPTY, 299), said("GrafanaUnreachable")),
    Row("True Loaded", seen(EMPTY, 299), said("Loaded")),
    Row("False NotLoaded", seen(EMPTY, 299), said("NotLoaded")),
    Row("False NotLoaded", seen(EMPTY, 300)),
    Row("False NotLoaded", seen(EMPTY, 300), said("Loaded")),
    # the look is older than the wish
    Row("Unknown Loading", seen(EMPTY, 100), since=150.0),
    # the data source fails
    Row("False DataSourceFailing", seen(FAILING)),
    Row("False DataSourceFailing", seen(FAILING), said("Loading")),
    Row("True Loaded", seen(FAILING), said("Loaded")),
    Row("False DataSourceFailing", seen(FAILING, lasting=True), said("Loaded")),
    Row("False NotLoaded", seen(GrafanaSnapshot(frozenset(), "P", "refused"), lasting=True)),
    # Grafana does not answer any more
    Row("Unknown GrafanaUnreachable", seen(HERE, outage=SILENT), said("Loaded")),
    Row("Unknown GrafanaForbidden", seen(HERE, outage=DENIED), said("GrafanaUnreachable")),
    Row("Unknown GrafanaForbidden", State(outage=DENIED)),
]


@pytest.mark.parametrize("row", ROWS, ids=[f"{index}-{row.expected}" for index, row in enumerate(ROWS)])
def test_verdict(row: Row) -> None:
    found = evaluate(row.state, UID, row.since, row.before, GRACE)
    assert f"{found.status} {found.reason}" == row.expected
    again = evaluate(row.state, UID, row.since, found, GRACE)
    assert again == found, "what was said is said again"


def test_other_words_are_no_news() -> None:
    """An error may name a port or a time, and thousands of models have it in their status."""
    before = evaluate(State(outage=SILENT), UID, 0, None, GRACE)
    assert evaluate(State(outage=Outage(SILENT.reason, "other words")), UID, 0, before, GRACE) == before
    failing = evaluate(seen(FAILING), UID, 0, None, GRACE)
    assert evaluate(seen(GrafanaSnapshot(HERE.loaded, "P", "other"), lasting=True), UID, 0, failing, GRACE) == failing


def test_message_says_what_to_check() -> None:
    missing = evaluate(seen(EMPTY), UID, 0, None, GRACE).message
    assert all(word in missing for word in (UID, "5 min", "dashboardLabels", "searchNamespace", "token"))
    assert "Invalid API key" in evaluate(State(outage=DENIED), UID, 0, None, GRACE).message


# --- memory ---


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dashboards(clock: Clock) -> DashboardTracker:
    made = DashboardTracker(clock, grace=GRACE, tolerance=TOLERANCE)
    made.track_and_evaluate(KEY, UID, None)
    return made


def test_only_models_with_news_move(dashboards: DashboardTracker) -> None:
    dashboards.track_and_evaluate(OTHER, "mm-2", None)
    assert dashboards.record_success(HERE) == [KEY, OTHER]  # loaded, loading
    assert dashboards.record_success(HERE) == []
    assert dashboards.record_success(GrafanaSnapshot(frozenset({UID, "mm-2"}), "Prometheus")) == [OTHER]


def test_restart_moves_none(clock: Clock) -> None:
    message = evaluate(seen(HERE), UID, 0, None, GRACE)
    made = DashboardTracker(clock, grace=GRACE, tolerance=TOLERANCE)
    assert made.track_and_evaluate(KEY, UID, message) == message
    assert made.record_success(HERE) == []
    assert made.track_and_evaluate(KEY, UID, message) == message


def test_dashboard_that_does_not_come(clock: Clock, dashboards: DashboardTracker) -> None:
    assert dashboards.record_success(EMPTY) == [KEY]
    assert dashboards.has_pending()
    clock.now = GRACE
    assert dashboards.record_success(EMPTY) == [KEY]
    assert dashboards.track_and_evaluate(KEY, UID, None).reason == "NotLoaded"
    clock.now = 2 * GRACE
    assert not dashboards.has_pending()


def test_grafana_that_starts_anew_and_has_nothing_yet_is_no_news(clock: Clock, dashboards: DashboardTracker) -> None:
    dashboards.record_success(HERE)
    clock.now = 1000
    assert dashboards.record_success(HERE) == []
    clock.now = 1100
    assert dashboards.record_success(EMPTY) == []
    clock.now = 1200
    assert dashboards.record_success(HERE) == []
    clock.now = 1200 + GRACE
    assert dashboards.record_success(EMPTY) == [KEY]


def test_trouble_is_told_when_it_has_lasted(clock: Clock, dashboards: DashboardTracker) -> None:
    dashboards.record_success(HERE)
    for clock.now in (10, 20, 129.0):
        assert dashboards.record_failure(SILENT) == []
    clock.now = 130
    assert dashboards.record_failure(SILENT) == [KEY]
    assert dashboards.record_failure(Outage(SILENT.reason, "other words")) == []
    assert dashboards.record_failure(DENIED) == [KEY]
    assert dashboards.record_success(HERE) == [KEY]
    clock.now = 300
    assert dashboards.record_failure(SILENT) == []


def test_failing_data_source_is_told_when_it_has_lasted(clock: Clock, dashboards: DashboardTracker) -> None:
    dashboards.record_success(HERE)
    clock.now = 10
    assert dashboards.record_success(FAILING) == []
    assert dashboards.track_and_evaluate(OTHER, UID, None).reason == "DataSourceFailing", "a new one is told what is"
    clock.now = 10 + TOLERANCE
    assert dashboards.record_success(FAILING) == [KEY]
    assert dashboards.record_success(HERE) == [KEY, OTHER]


def test_trouble_before_the_first_answer_leaves_what_the_status_says(clock: Clock) -> None:
    made = DashboardTracker(clock, grace=GRACE, tolerance=TOLERANCE)
    stored = said("Loaded", "as it was")
    assert made.track_and_evaluate(KEY, UID, stored) == stored
    assert made.record_failure(SILENT) == []
    assert made.track_and_evaluate(KEY, UID, stored) == stored


def test_model_that_is_gone_leaves_nothing(dashboards: DashboardTracker) -> None:
    dashboards.enqueue_annotation(moved(now=now()))
    dashboards.drop(KEY)
    dashboards.drop(KEY)
    assert dashboards.record_success(HERE) == []
    assert not len(dashboards.changes)
    dashboards.enqueue_annotation(moved(now=now()))
    assert not len(dashboards.changes), "of a model without a dashboard nothing is marked"


def test_nothing_is_marked_where_that_is_switched_off(clock: Clock) -> None:
    made = DashboardTracker(clock, grace=GRACE, tolerance=TOLERANCE, marked=False)
    made.track_and_evaluate(KEY, UID, None)
    made.enqueue_annotation(moved(now=now()))
    assert not len(made.changes)


# --- changes of version ---

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def moved(seconds: float = 0, key: Key = KEY, now: datetime = NOW) -> VersionChange:
    since = (now - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return VersionChange(key, UID, "1", "2", since)


def test_change_is_marked_once() -> None:
    changes = AnnotationQueue()
    changes.note(moved(), NOW)
    changes.note(moved(), NOW)
    assert changes.waiting() == [moved()]
    changes.done(moved())
    changes.note(moved(), NOW)
    assert not len(changes)


def test_old_change_is_not_marked() -> None:
    changes = AnnotationQueue()
    changes.note(moved(ANNOTATED_SECONDS + 1), NOW)
    assert not len(changes)
    changes.note(moved(), NOW)
    assert changes.expire(NOW + timedelta(seconds=ANNOTATED_SECONDS + 1)) == [moved()]
    changes.note(moved(), NOW)
    assert not len(changes)


def test_number_of_waiting_changes_is_bounded() -> None:
    changes = AnnotationQueue()
    for number in range(MAX_PENDING + 10):
        changes.note(moved(key=Key("a", str(number))), NOW)
    assert len(changes) == MAX_PENDING
    assert changes.waiting()[0].key.name == "10"


def test_refused_change_is_tried_a_few_times() -> None:
    changes = AnnotationQueue()
    changes.note(moved(), NOW)
    assert [changes.record_rejection(moved()) for _ in range(MAX_ATTEMPTS)] == [True] * (MAX_ATTEMPTS - 1) + [False]
    assert not len(changes)
    assert not changes.record_rejection(moved()), "of what is gone, nothing comes back"
    assert not len(changes)


STATUS = {"version": "2", "previousVersion": "1", "versionSince": "2026-11-20T10:00:00Z"}


@pytest.mark.parametrize(
    "status",
    [
        {},
        {key: value for key, value in STATUS.items() if key != "previousVersion"},
        {**STATUS, "versionSince": "yesterday"},
        {**STATUS, "versionSince": "2026-11-20T10:00:00"},
    ],
)
def test_status_without_a_change(status: dict[str, str]) -> None:
    assert last_version_change(KEY, UID, status) is None


def test_change_that_a_status_tells_of() -> None:
    found = last_version_change(KEY, UID, STATUS)
    assert found is not None
    assert (found.text, found.tags, found.milliseconds) == (
        "version 1 -> 2",
        ["monitored-models", "a/m"],
        1795168800000,
    )
