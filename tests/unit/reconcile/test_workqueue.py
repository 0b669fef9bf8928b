"""The work queue: what is worked on, how often, in which order and when."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from monitored_models.reconcile.workqueue import LONGEST_RETRY, WorkQueue

DEADLINE = 5.0
"""Seconds after which a test that waits has failed."""


@dataclass
class Clock:
    """Seconds that pass only when told to."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


async def drained(queue: WorkQueue[str], workers: int = 1) -> list[str]:
    """All that is due now, in the order in which it is worked on; then the queue is closed."""
    worked: list[str] = []

    async def handle(key: str) -> None:
        worked.append(key)
        if queue_is_done(queue):
            queue.close()

    def queue_is_done(queue: WorkQueue[str]) -> bool:
        return not vars(queue)["_waiting"]

    queue.add("(last)", routine=True)
    async with asyncio.timeout(DEADLINE):
        await asyncio.gather(*(queue.work(handle) for _ in range(workers)))
    return [key for key in worked if key != "(last)"]


def run(prepare: Callable[[WorkQueue[str], Clock], None]) -> list[str]:
    """What is worked on after some preparation."""

    async def main() -> list[str]:
        clock = Clock()
        queue = WorkQueue[str](clock)
        prepare(queue, clock)
        return await drained(queue)

    return asyncio.run(main())


def test_key_is_worked_on_once_however_often_it_is_added() -> None:
    def prepare(queue: WorkQueue[str], _clock: Clock) -> None:
        for key in ("a", "b", "a", "a", "b"):
            queue.add(key)

    assert run(prepare) == ["a", "b"]


def test_what_just_happened_overtakes_routine() -> None:
    def prepare(queue: WorkQueue[str], _clock: Clock) -> None:
        for key in ("r1", "r2"):
            queue.add(key, routine=True)
        for key in ("u1", "u2"):
            queue.add(key)

    assert run(prepare) == ["u1", "u2", "r1", "r2"]


def test_key_of_the_routine_that_something_happens_to_overtakes_the_rest() -> None:
    """At a start all models wait as routine; a user's edit of one of them must not wait for the thousands before it."""

    def prepare(queue: WorkQueue[str], _clock: Clock) -> None:
        for key in ("r1", "r2", "r3"):
            queue.add(key, routine=True)
        queue.add("r3")

    assert run(prepare) == ["r3", "r1", "r2"]


def test_urgent_key_stays_urgent_when_routine_comes_by() -> None:
    def prepare(queue: WorkQueue[str], _clock: Clock) -> None:
        queue.add("r1", routine=True)
        queue.add("u")
        queue.add("u", routine=True)

    assert run(prepare) == ["u", "r1"]


def test_delayed_key_is_worked_on_when_its_time_has_come() -> None:
    def early(queue: WorkQueue[str], clock: Clock) -> None:
        queue.add_after("a", 10)
        clock.now += 9.9

    def late(queue: WorkQueue[str], clock: Clock) -> None:
        queue.add_after("a", 10)
        clock.now += 10

    assert (run(early), run(late)) == ([], ["a"])


@pytest.mark.parametrize("delays", [(10, 100), (100, 10), (100, 10, 50), (10, 10)])
def test_earliest_delay_counts(delays: Sequence[float]) -> None:
    def prepare(queue: WorkQueue[str], clock: Clock) -> None:
        for delay in delays:
            queue.add_after("a", delay)
        clock.now += 10

    assert run(prepare) == ["a"]


def test_delayed_keys_come_in_the_order_of_their_times() -> None:
    def prepare(queue: WorkQueue[str], clock: Clock) -> None:
        for key, delay in (("c", 3), ("a", 1), ("b", 2), ("d", 9)):
            queue.add_after(key, delay)
        clock.now += 5

    assert run(prepare) == ["a", "b", "c"]


def test_key_that_is_added_at_once_is_not_worked_on_again_after_its_delay() -> None:
    def prepare(queue: WorkQueue[str], clock: Clock) -> None:
        queue.add_after("a", 10)
        queue.add("a")
        clock.now += 20

    assert run(prepare) == ["a"]


def test_delay_of_a_waiting_key_changes_nothing() -> None:
    def prepare(queue: WorkQueue[str], clock: Clock) -> None:
        queue.add("a")
        queue.add_after("a", 10)
        clock.now += 20

    assert run(prepare) == ["a"]


def test_later_delay_can_be_given_after_an_earlier_one_was_overtaken() -> None:
    def prepare(queue: WorkQueue[str], clock: Clock) -> None:
        queue.add_after("a", 10)
        queue.add("b")
        clock.now += 30
        queue.add_after("c", 0)

    assert sorted(run(prepare)) == ["a", "b", "c"]


def test_delay_passes_by_the_clock_of_the_event_loop() -> None:
    """The real thing once: a worker that sleeps wakes up by itself."""

    async def main() -> float:
        loop = asyncio.get_running_loop()
        queue = WorkQueue[str]()
        began = loop.time()

        async def handle(_key: str) -> None:
            queue.close()

        queue.add_after("far", 1000)
        queue.add_after("a", 0.05)
        async with asyncio.timeout(DEADLINE):
            await queue.work(handle)
        return loop.time() - began

    assert asyncio.run(main()) >= 0.05


def test_worker_that_sleeps_is_woken_by_a_key() -> None:
    async def main() -> None:
        queue = WorkQueue[str](Clock())
        worked = asyncio.Event()

        async def handle(_key: str) -> None:
            worked.set()
            queue.close()

        queue.add_after("far", 1000)
        async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as tasks:
            tasks.create_task(queue.work(handle))
            await asyncio.sleep(0)
            queue.add("a")
            await worked.wait()

    asyncio.run(main())


def test_worker_that_sleeps_long_is_woken_by_a_shorter_delay() -> None:
    async def main() -> None:
        queue = WorkQueue[str]()

        async def handle(key: str) -> None:
            assert key == "near"
            queue.close()

        async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as tasks:
            queue.add_after("far", 1000)
            tasks.create_task(queue.work(handle))
            await asyncio.sleep(0)
            queue.add_after("near", 0.01)

    asyncio.run(main())


# --- several workers ---


def test_key_is_never_worked_on_twice_at_the_same_time() -> None:
    async def main() -> tuple[int, int]:
        queue = WorkQueue[str](Clock())
        inside, most, times = 0, 0, 0

        async def handle(key: str) -> None:
            nonlocal inside, most, times
            inside, times = inside + 1, times + 1
            most = max(most, inside)
            if times < 3:
                queue.add(key)
                queue.add(key)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            inside -= 1
            if times == 3:
                queue.close()

        queue.add("a")
        async with asyncio.timeout(DEADLINE):
            await asyncio.gather(*(queue.work(handle) for _ in range(4)))
        return most, times

    assert asyncio.run(main()) == (1, 3)


def test_different_keys_are_worked_on_at_the_same_time() -> None:
    async def main() -> None:
        queue = WorkQueue[str](Clock())
        both = asyncio.Barrier(2)

        async def handle(_key: str) -> None:
            await both.wait()
            queue.close()

        queue.add("a")
        queue.add("b")
        async with asyncio.timeout(DEADLINE):
            await asyncio.gather(*(queue.work(handle) for _ in range(2)))

    asyncio.run(main())


def test_key_that_is_added_while_it_is_worked_on_is_worked_on_once_more() -> None:
    async def main() -> list[str]:
        queue = WorkQueue[str](Clock())
        worked: list[str] = []

        async def handle(key: str) -> None:
            worked.append(key)
            if worked == ["a"]:
                for _ in range(3):
                    queue.add("a")
                queue.add("b")
            if len(worked) == 3:
                queue.close()

        queue.add("a")
        async with asyncio.timeout(DEADLINE):
            await queue.work(handle)
        return worked

    assert asyncio.run(main()) == ["a", "b", "a"]


def test_key_can_be_put_off_by_its_own_work() -> None:
    async def main() -> list[str]:
        clock = Clock()
        queue = WorkQueue[str](clock)
        worked: list[str] = []

        async def handle(key: str) -> None:
            worked.append(key)
            if key == "a" and len(worked) == 1:
                queue.add_after("a", 30)
                queue.add("b")
            if key == "b":
                clock.now += 30
                queue.add("c")
            if key == "a" and len(worked) > 1:
                queue.close()

        queue.add("a")
        async with asyncio.timeout(DEADLINE):
            await queue.work(handle)
        return worked

    assert asyncio.run(main()) == ["a", "b", "c", "a"]


# --- closing ---


def test_closing_lets_the_work_in_hand_end_and_starts_no_other() -> None:
    async def main() -> list[str]:
        queue = WorkQueue[str](Clock())
        told: list[str] = []
        started = asyncio.Event()
        go_on = asyncio.Event()

        async def handle(key: str) -> None:
            told.append(f"{key} begins")
            started.set()
            await go_on.wait()
            told.append(f"{key} ends")

        queue.add("a")
        queue.add("b")
        async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as tasks:
            tasks.create_task(queue.work(handle))
            await started.wait()
            queue.close()
            queue.add("c")
            go_on.set()
        return told

    assert asyncio.run(main()) == ["a begins", "a ends"]


def test_closing_ends_workers_that_sleep() -> None:
    async def main() -> None:
        queue = WorkQueue[str](Clock())

        async def handle(_key: str) -> None:
            raise AssertionError

        queue.add_after("a", 1000)
        async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as tasks:
            for _ in range(3):
                tasks.create_task(queue.work(handle))
            await asyncio.sleep(0)
            queue.close()

    asyncio.run(main())


def test_closed_queue_starts_nothing() -> None:
    async def main() -> None:
        queue = WorkQueue[str](Clock())
        queue.add("a")
        queue.close()

        async def handle(_key: str) -> None:
            raise AssertionError

        async with asyncio.timeout(DEADLINE):
            await queue.work(handle)

    asyncio.run(main())


# --- failures ---


def test_back_off_grows_and_is_bounded() -> None:
    queue = WorkQueue[str](Clock())
    delays = [queue.retry("a") for _ in range(40)]
    assert queue.failures("a") == 40
    assert 0.3 < delays[0] < 1
    assert all(later > earlier for earlier, later in itertools.pairwise(delays[:8]))
    assert max(delays) <= LONGEST_RETRY * 1.2
    assert all(delay >= LONGEST_RETRY * 0.8 for delay in delays[12:])


def test_back_offs_of_many_keys_are_spread() -> None:
    queue = WorkQueue[str](Clock())
    assert len({queue.retry(str(number)) for number in range(50)}) > 40


@pytest.mark.parametrize("at_least", [0.0, 30.0, 1000.0])
def test_back_off_is_never_shorter_than_the_server_asks(at_least: float) -> None:
    queue = WorkQueue[str](Clock())
    assert queue.retry("a", at_least) >= at_least


def test_failures_are_counted_by_key_and_forgotten_by_success() -> None:
    queue = WorkQueue[str](Clock())
    for _ in range(6):
        queue.retry("a")
    queue.retry("b")
    assert (queue.failures("a"), queue.failures("b"), queue.failures("c")) == (6, 1, 0)
    queue.succeeded("a")
    queue.succeeded("never failed")
    assert queue.failures("a") == 0
    assert queue.retry("a") < 1


def test_failed_key_is_worked_on_after_its_back_off() -> None:
    def prepare(queue: WorkQueue[str], clock: Clock) -> None:
        clock.now += queue.retry("a", 60)
        queue.retry("b", 60)

    assert run(prepare) == ["a"]


def test_new_event_cuts_a_back_off_short() -> None:
    def prepare(queue: WorkQueue[str], _clock: Clock) -> None:
        for _ in range(10):
            queue.retry("a")
        queue.add("a")

    assert run(prepare) == ["a"]


# --- what the server asks for ---


def held(then: Callable[[WorkQueue[str], Clock], None], seconds: float = 60.0) -> list[str]:
    """What is worked on after the server asked not to be asked about `a` for some time, and something else."""

    def prepare(queue: WorkQueue[str], clock: Clock) -> None:
        queue.retry("a", seconds)
        then(queue, clock)

    return run(prepare)


@pytest.mark.parametrize("routine", [False, True])
def test_event_does_not_cut_short_what_the_server_asked_for(routine: bool) -> None:
    def early(queue: WorkQueue[str], clock: Clock) -> None:
        queue.add("a", routine=routine)
        clock.now += 59.9
        queue.add("a", routine=routine)

    assert held(early) == []


@pytest.mark.parametrize("routine", [False, True])
def test_event_during_the_time_that_the_server_asked_for_is_worked_on_right_after_it(routine: bool) -> None:
    """Even where the back-off would take longer."""

    def late(queue: WorkQueue[str], clock: Clock) -> None:
        for _ in range(12):
            queue.retry("a", 60)
        clock.now += 30
        queue.add("a", routine=routine)
        clock.now += 30

    assert held(late) == ["a"]


def test_key_that_the_server_held_is_worked_on_without_any_event() -> None:
    def late(_queue: WorkQueue[str], clock: Clock) -> None:
        clock.now += 60

    assert held(late) == ["a"]


def test_event_after_the_time_that_the_server_asked_for_counts_at_once() -> None:
    def late(queue: WorkQueue[str], clock: Clock) -> None:
        for _ in range(12):
            queue.retry("a", 60)  # the back-off is now far longer
        clock.now += 61
        queue.add("a")

    assert held(late) == ["a"]


def test_one_key_that_the_server_holds_holds_no_other() -> None:
    def early(queue: WorkQueue[str], _clock: Clock) -> None:
        queue.add("a")
        queue.add("b")

    assert held(early) == ["b"]


def test_success_lifts_what_the_server_asked_for() -> None:
    def early(queue: WorkQueue[str], _clock: Clock) -> None:
        queue.succeeded("a")
        queue.add("a")

    assert held(early) == ["a"]


def test_key_that_fails_while_news_of_it_comes_in_waits_for_what_the_server_asked() -> None:
    async def main() -> list[float]:
        clock = Clock()
        queue = WorkQueue[str](clock)
        worked: list[float] = []

        async def handle(key: str) -> None:
            if key == "(later)":
                clock.now = 160
                return
            worked.append(clock.now)
            if len(worked) == 1:
                queue.add("a")
                queue.retry("a", 60)
                queue.add("(later)", routine=True)
            else:
                queue.close()

        queue.add("a")
        async with asyncio.timeout(DEADLINE):
            await queue.work(handle)
        return worked

    assert asyncio.run(main()) == [100, 160]


def test_earlier_timer_of_a_held_key_neither_breaks_nor_loses_it() -> None:
    async def main() -> list[float]:
        clock = Clock()
        queue = WorkQueue[str](clock)
        worked: list[float] = []

        async def handle(key: str) -> None:
            if key == "a":
                worked.append(clock.now)
            clock.now += 10
            if clock.now < 300:
                queue.add("(tick)", routine=True)
            else:
                queue.close()

        queue.retry("a", 60)
        queue.add_after("a", 10)
        queue.add("(tick)", routine=True)
        async with asyncio.timeout(DEADLINE):
            await queue.work(handle)
        return worked

    assert asyncio.run(main()) == [160]


# --- groups ---


def by_first_letter(key: str) -> str:
    return key[0]


def test_groups_take_turns() -> None:
    async def main() -> list[str]:
        queue = WorkQueue[str](Clock(), group=by_first_letter)
        for key in ("a1", "a2", "a3", "b1", "c1", "c2"):
            queue.add(key)
        return await drained(queue)

    assert asyncio.run(main()) == ["a1", "b1", "c1", "a2", "c2", "a3"]


async def stuck(queue: WorkQueue[str], workers: int, keys: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is begun while work on the group `a` never ends: of group `a`, and of the others, until nothing more is."""
    begun: list[str] = []
    never = asyncio.Event()

    async def handle(key: str) -> None:
        begun.append(key)
        if key.startswith("a"):
            await never.wait()

    for key in keys:
        queue.add(key)
    tasks = [asyncio.create_task(queue.work(handle)) for _ in range(workers)]
    for _ in range(20 * len(keys)):
        await asyncio.sleep(0)
    queue.close()
    never.set()
    await asyncio.gather(*tasks)
    return [key for key in begun if key.startswith("a")], [key for key in begun if not key.startswith("a")]


@pytest.mark.parametrize(("workers", "hung"), [(16, 12), (8, 6), (4, 3), (3, 3), (1, 1)])
def test_quarter_of_the_workers_is_kept_from_a_group_that_hangs(workers: int, hung: int) -> None:
    async def main() -> tuple[list[str], list[str]]:
        queue = WorkQueue[str](group=by_first_letter)
        return await stuck(queue, workers, [f"a{number}" for number in range(40)])

    begun, _ = asyncio.run(main())
    assert len(begun) == hung


def test_group_that_hangs_holds_up_no_other() -> None:
    others = [f"b{number}" for number in range(30)]

    async def main() -> tuple[list[str], list[str]]:
        queue = WorkQueue[str](group=by_first_letter)
        return await stuck(queue, 16, [*(f"a{number}" for number in range(40)), *others])

    assert asyncio.run(main())[1] == others


def test_group_gets_more_workers_when_others_have_ended() -> None:
    """What was passed over is taken as soon as a worker is free again, without any further event."""

    async def main() -> list[str]:
        queue, worked = WorkQueue[str](group=by_first_letter), list[str]()

        async def handle(key: str) -> None:
            worked.append(key)
            await asyncio.sleep(0)
            if len(worked) == 41:
                queue.close()

        for number in range(40):
            queue.add(f"a{number}")
        queue.add("b1")
        async with asyncio.timeout(DEADLINE):
            await asyncio.gather(*(queue.work(handle) for _ in range(4)))
        return worked

    assert len(asyncio.run(main())) == 41


def test_depth_age_and_waits_are_told() -> None:
    waits: list[float] = []

    async def main() -> None:
        clock = Clock()
        queue = WorkQueue[str](clock, waited=waits.append)
        assert (queue.depth(), queue.age()) == (0, 0.0)
        queue.add("a")
        clock.now += 3
        queue.add("b")
        queue.add_after("later", 100)
        queue.add("a")
        assert (queue.depth(), queue.age()) == (2, 3.0)
        clock.now += 1
        await drained(queue)
        assert (queue.depth(), queue.age()) == (0, 0.0)

    asyncio.run(main())
    assert waits[:2] == [4.0, 1.0]


def test_everything_else_has_its_turn_between_two_keys() -> None:
    """Of keys that are done without waiting, no row of them holds the event loop."""

    async def main() -> list[str]:
        queue, order = WorkQueue[str](), list[str]()

        async def handle(key: str) -> None:
            order.append(key)
            if key == "9":
                queue.close()

        async def else_() -> None:
            while True:
                order.append("-")
                await asyncio.sleep(0)

        for number in range(10):
            queue.add(str(number))
        other = asyncio.create_task(else_())
        await asyncio.gather(*(queue.work(handle) for _ in range(4)))
        other.cancel()
        return order

    order = asyncio.run(main())
    keys = [index for index, step in enumerate(order) if step != "-"]
    assert len(keys) == 10
    assert all(after - before > 1 for before, after in itertools.pairwise(keys))
