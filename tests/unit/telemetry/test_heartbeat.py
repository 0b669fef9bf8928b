"""When the event loop of the work counts as hanging."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from monitored_models.telemetry.heartbeat import BEAT_SECONDS, LONGEST_TICK_SECONDS, Heartbeat, keep_beating


@dataclass
class Clock:
    """A clock that is set by hand."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_loop_that_beats_never_stalls() -> None:
    clock = Clock()
    heartbeat = Heartbeat(clock)
    for _ in range(100):
        clock.now += 1
        heartbeat.beat()
        assert heartbeat.measure() == 0.0


def test_loop_that_stops_is_counted_until_it_turns_again() -> None:
    clock = Clock()
    heartbeat = Heartbeat(clock)
    heartbeat.beat()
    heartbeat.measure()
    for second in range(1, 61):
        clock.now += 1
        assert heartbeat.measure() == second
    assert heartbeat.stalled == 60
    heartbeat.beat()
    assert heartbeat.measure() == 0.0


def test_pause_of_the_whole_process_is_not_taken_for_a_hang() -> None:
    """SIGSTOP, or a laptop that sleeps: the thread that looks stood still as well."""
    clock = Clock()
    heartbeat = Heartbeat(clock)
    heartbeat.beat()
    heartbeat.measure()
    clock.now += 8 * 3600
    assert heartbeat.measure() == LONGEST_TICK_SECONDS


def test_running_loop_beats_and_reports_how_late_its_timers_are() -> None:
    heartbeat, late = Heartbeat(), list[float]()

    async def main() -> None:
        beating = asyncio.create_task(keep_beating(heartbeat, late.append))
        await asyncio.wait((beating,), timeout=2 * BEAT_SECONDS)
        beating.cancel()

    asyncio.run(main())
    assert heartbeat.measure() == 0.0
    assert late[0] >= 0
