"""The fleet poller and its tracker, with an integration that nobody has: a registry that knows which images exist."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

import pytest

from monitored_models.base.backoff import Backoff
from monitored_models.integrations.poller import FleetPoller, PollLog, Schedule
from monitored_models.integrations.tracker import FleetState, FleetTracker, Outage
from monitored_models.naming.keys import Key

A, B = Key("ns", "a"), Key("ns", "b")
PERIOD, FAST, FIRST_RETRY = 300.0, 30.0, 10.0
GRACE, TOLERANCE = 60.0, 120.0
SILENT, DENIED = Outage("RegistryUnreachable", "no answer"), Outage("RegistryForbidden", "wrong password")
READ_ONLY = Outage("StorageFailing", "the storage of the registry fails")
RECOVERED = "the registry answers again"


# --- the integration: a snapshot, a check, and a pure function from one to the other ---


@dataclass(frozen=True)
class Images:
    """What the registry answered: the images that it has."""

    names: frozenset[str]
    problem: Outage | None = None

    def has(self, image: str) -> bool:
        return image in self.names


@dataclass(frozen=True)
class ImageCheck:
    reason: str


def evaluate(
    state: FleetState[Images], image: str, since: float, previous: ImageCheck | None, grace: float
) -> ImageCheck:
    if state.outage:
        return ImageCheck(state.outage.reason)
    if state.snapshot is None:
        return previous or ImageCheck("NotChecked")
    if state.snapshot.problem and state.lasting:
        return ImageCheck(state.snapshot.problem.reason)
    if state.snapshot.has(image):
        return ImageCheck("Found")
    if state.polled_at - since < grace:
        return previous if previous == ImageCheck("Found") else ImageCheck("Pending")
    return ImageCheck("Missing")


def images(*names: str, problem: Outage | None = None) -> Images:
    return Images(frozenset(names), problem)


# --- the test bed: time that passes only between steps ---


@dataclass
class Bed:
    """A registry, its poller, and what became of both. `answer` is what the registry answers from now on."""

    answer: Images | Outage
    period: float = PERIOD
    now: float = 0.0
    polled: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)
    """When there was time for work between polls."""
    enqueued: list[Key] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tracker = FleetTracker(evaluate, self.clock, grace=GRACE, tolerance=TOLERANCE)
        self.poller = FleetPoller(
            self.fetch,
            self.tracker,
            self.enqueued.append,
            clock=self.clock,
            schedule=Schedule(self.period, FAST, Backoff(FIRST_RETRY, self.period)),
            log=PollLog(logging.getLogger("registry"), RECOVERED, "RegistryAnswers"),
            between=self.work,
        )

    def clock(self) -> float:
        return self.now

    async def fetch(self) -> Images | Outage:
        self.polled.append(self.now)
        return self.answer

    async def work(self) -> None:
        self.worked.append(self.now)

    def run(self, seconds: float, answer: Images | Outage | None = None) -> list[Key]:
        """Let time pass. Returns the models that were enqueued meanwhile."""
        before, until = len(self.enqueued), self.now + seconds
        self.answer = answer or self.answer

        async def steps() -> None:
            while self.now < until:
                wait = await self.poller.step()
                assert wait > 0
                self.now = min(self.now + wait, until)

        asyncio.run(steps())
        return self.enqueued[before:]

    def check(self, key: Key, image: str) -> str:
        """The check of a model, as a reconcile that has no status yet asks for it."""
        return self.tracker.track_and_evaluate(key, image, None).reason


@pytest.fixture
def bed() -> Bed:
    """Two models, of which the registry has the image of the first."""
    made = Bed(images("a"))
    assert (made.check(A, "a"), made.check(B, "b")) == ("NotChecked", "NotChecked")
    return made


@pytest.fixture
def steady() -> Bed:
    """One model whose image the registry has."""
    made = Bed(images("a"))
    made.check(A, "a")
    assert made.run(PERIOD) == [A]
    return made


# --- checks ---


def test_first_answer_enqueues_each_model_once(bed: Bed) -> None:
    assert bed.run(FAST) == [A, B]
    assert (bed.check(A, "a"), bed.check(B, "b")) == ("Found", "Pending")
    assert bed.run(GRACE - FAST) == []


def test_only_the_model_whose_check_changed_is_enqueued(bed: Bed) -> None:
    bed.run(FAST)
    assert bed.run(10 * PERIOD, images("a", "b")) == [B]
    assert bed.check(B, "b") == "Found"


def test_restart_with_the_same_answer_enqueues_nothing() -> None:
    bed = Bed(images("a"))
    bed.tracker.track_and_evaluate(A, "a", ImageCheck("Found"))
    assert bed.run(10 * PERIOD) == []


def test_new_subject_starts_its_grace_again(bed: Bed) -> None:
    bed.run(2 * GRACE)
    assert bed.check(B, "b") == "Missing"
    assert bed.check(B, "c") == "Pending"
    assert bed.run(FAST) == []
    assert bed.run(GRACE) == [B]
    assert bed.check(B, "c") == "Missing"


def test_model_that_is_gone_is_not_enqueued(bed: Bed) -> None:
    bed.tracker.drop(A)
    bed.tracker.drop(A)
    assert (bed.tracker.tracks(A), bed.tracker.tracks(B)) == (False, True)
    assert bed.run(FAST) == [B]


# --- grace ---


def test_missing_subject_counts_after_the_grace(bed: Bed) -> None:
    bed.run(FAST)
    assert bed.run(GRACE - FAST) == []
    assert bed.run(FAST) == [B]
    assert bed.check(B, "b") == "Missing"


def test_subject_that_was_found_a_moment_ago_is_not_missing(steady: Bed) -> None:
    steady.run(FAST)
    found = steady.polled[-1]
    steady.now = found + GRACE - 1
    assert steady.tracker.record_success(images()) == []
    steady.now = found + GRACE
    assert steady.tracker.record_success(images()) == [A]


# --- trouble that all models share ---


def test_outage_shorter_than_the_tolerance_changes_nothing(steady: Bed) -> None:
    assert steady.run(TOLERANCE - 1, SILENT) == []
    assert steady.run(10 * PERIOD, images("a")) == []
    assert steady.check(A, "a") == "Found"


def test_short_outages_do_not_add_up(steady: Bed) -> None:
    for _ in range(5):
        assert steady.run(TOLERANCE - 1, SILENT) == []
        assert steady.run(PERIOD, images("a")) == []


def test_longer_outage_changes_each_check_once_and_so_does_its_end(bed: Bed) -> None:
    bed.run(PERIOD, images("a", "b"))
    assert bed.run(10 * PERIOD, SILENT) == [A, B]
    assert bed.check(A, "a") == "RegistryUnreachable"
    assert bed.run(10 * PERIOD, images("a", "b")) == [A, B]
    assert bed.check(A, "a") == "Found"


def test_outage_with_another_reason_is_another_check(steady: Bed) -> None:
    assert steady.run(10 * PERIOD, SILENT) == [A]
    assert steady.run(10 * PERIOD, DENIED) == [A]


def test_problem_in_an_answer_has_the_same_tolerance(steady: Bed) -> None:
    assert steady.run(TOLERANCE - 1, images("a", problem=READ_ONLY)) == []
    assert steady.run(PERIOD, images("a", problem=READ_ONLY)) == [A]
    assert steady.check(A, "a") == "StorageFailing"
    assert steady.run(2 * PERIOD, images("a")) == [A]


# --- when it polls ---


def test_steady_fleet_is_polled_once_a_period(steady: Bed) -> None:
    steady.run(2 * PERIOD)
    assert steady.polled == [0, PERIOD, 2 * PERIOD]


def test_pending_subject_is_polled_for_fast_for_twice_its_grace(bed: Bed) -> None:
    bed.run(2 * PERIOD)
    assert bed.polled == [0, 30, 60, 90, 390]


@pytest.mark.parametrize("trouble", [SILENT, images("a", problem=READ_ONLY)], ids=["outage", "problem"])
def test_poll_that_failed_is_repeated_after_a_growing_delay(bed: Bed, trouble: Images | Outage) -> None:
    """Though a subject is pending."""
    bed.run(1000, trouble)
    assert bed.polled == [0, 10, 30, 70, 150, 310, 610, 910]


def test_backoff_starts_again_after_a_success(steady: Bed) -> None:
    steady.run(100, SILENT)
    steady.run(PERIOD, images("a"))
    steady.polled.clear()
    steady.run(PERIOD + 30, SILENT)
    first = steady.polled[0]
    assert [at - first for at in steady.polled[:3]] == [0, 10, 30]


def test_period_shorter_than_the_others_bounds_them() -> None:
    bed = Bed(SILENT, period=5)
    bed.check(A, "a")
    bed.run(20)
    bed.run(20, images())
    assert bed.polled == [0, 5, 10, 15, 20, 25, 30, 35]


def test_work_between_polls_is_done_while_the_system_answers(steady: Bed) -> None:
    assert steady.worked == [FAST * step for step in range(10)]
    steady.worked.clear()
    steady.run(PERIOD, SILENT)
    assert steady.worked == []
    steady.run(PERIOD, images("a", problem=READ_ONLY))
    assert steady.worked


# --- what it logs ---


def test_each_failed_poll_and_the_recovery_are_logged(steady: Bed, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "registry")
    steady.run(25, SILENT)
    steady.run(10 * PERIOD, images("a"))
    assert [record.message for record in caplog.records] == [
        "no answer; asking again in 10 s",
        "no answer; asking again in 20 s",
        RECOVERED,
    ]
    assert [vars(record)["reason"] for record in caplog.records] == [SILENT.reason, SILENT.reason, "RegistryAnswers"]


def test_it_runs_until_canceled() -> None:
    """On the clock of the event loop."""

    async def running() -> list[Key]:
        enqueued, polls = list[Key](), list[float]()
        clock = asyncio.get_running_loop().time
        enough = asyncio.Event()

        async def fetch() -> Images | Outage:
            polls.append(clock())
            if len(polls) == 3:
                enough.set()
            return images("a")

        tracker = FleetTracker(evaluate, clock, grace=GRACE, tolerance=TOLERANCE)
        tracker.track_and_evaluate(A, "a", None)
        poller = FleetPoller(
            fetch,
            tracker,
            enqueued.append,
            clock=clock,
            schedule=Schedule(0.01, 0.01, Backoff(0.01, 0.01)),
            log=PollLog(logging.getLogger("registry"), RECOVERED, "RegistryAnswers"),
        )
        task = asyncio.ensure_future(poller.run())
        async with asyncio.timeout(5):
            await enough.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return enqueued

    assert asyncio.run(running()) == [A]
