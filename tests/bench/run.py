"""`make bench`: how fast the operator is beside a bare loop, and what it costs.

    python -m bench.run --ladder 125,500,1000,5000 --out docs/benchmarks.md

Each rung has control planes of its own, warmed up alike. First table: controllers off, so that nothing but the API server
and the writer is at work; bare loop and operator take turns. Second table: controllers and simulated nodes on.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import load, report
from bench.measure import Progress, api_calls, client, usage, watching
from bench.results import Bare, Full, Plain, Restart, Rung
from monitored_models.kube.client import KubeClient
from monitored_models.naming.kinds import CONFIG_MAP, DEPLOYMENT, LEASE, MODEL, PROMETHEUS_RULE
from monitored_models.process.resync import MANAGED_SELECTOR
from monitored_models.reconcile.status_writer import COUNTS_DEBOUNCE
from operator_testbed import LEASE_NAMESPACE, OWN_CRDS, Bed, prometheus_crds, running_bed
from testbed import clock
from testbed.cpu_quota import limited
from testbed.pages import page, samples, wait_idle
from testbed.processes import Process

WARM_UP = 40
PATIENCE = 1800.0
QUIET_SECONDS = 60.0
QUOTAS, LIMITED = (0.5,), 1000
"""Cores that a process starts on as well, at rungs of so many models and more."""
CHANGED = 2
"""Generation after one change."""
REPEATED = 1000
"""Rungs above this are measured once."""
WRITES = ("POST", "APPLY", "PATCH", "PUT", "DELETE", "DELETECOLLECTION")


@contextlib.contextmanager
def _bed(*, controllers: bool) -> Iterator[Bed]:
    crds = [*OWN_CRDS, *prometheus_crds()]
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        running_bed(Path(folder), crds, controllers=controllers, audit=controllers) as bed,
    ):
        for name in load.namespaces():
            bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        yield bed


async def bare(count: int) -> Bare:
    """The bare loop on a fresh control plane."""
    with _bed(controllers=False) as bed:
        async with client(bed) as cluster:
            await load.bare(cluster, load.prepare(load.models(WARM_UP, "warm")))
            prepared, before = load.prepare(load.models(count)), api_calls(bed)
            began = time.perf_counter()
            async with watching(cluster) as progress:
                await load.bare(cluster, prepared)
                await progress.until(lambda p: len(p.generations) >= count, PATIENCE)
            seconds = time.perf_counter() - began
            return Bare(seconds, (api_calls(bed) - before).total() / count)


async def plain(count: int) -> Plain:
    """The operator on a fresh control plane without controllers."""
    with _bed(controllers=False) as bed, bed.operator("operator", leaderElection=True) as process:
        async with client(bed) as cluster, watching(cluster) as progress:
            await load.create(cluster, load.models(WARM_UP, "warm"))
            await progress.until(lambda p: len(p.generations) >= WARM_UP, PATIENCE)
            before, used = api_calls(bed), usage(process.pid)
            began = time.perf_counter()
            await load.create(cluster, load.models(count))
            await progress.until(lambda p: len(p.generations) >= count + WARM_UP, PATIENCE)
            seconds = time.perf_counter() - began
            calls, after, lag = (
                api_calls(bed) - before,
                usage(process.pid),
                _lag(page(process, "/metrics", timeout=60)[1], 0.99),
            )
        process.terminate()
        restarts = [_restart(bed, count, cores) for cores in (None, *(QUOTAS if count >= LIMITED else ()))]
    return Plain(
        seconds=seconds,
        calls={call: number / count for call, number in sorted(calls.items()) if number >= count / 100},
        cpu=1000 * (after.cpu - used.cpu) / count,
        rss=after.peak,
        lag=lag,
        restarts=restarts,
    )


def _restart(bed: Bed, count: int, cores: float | None) -> Restart:
    """A process that starts where everything is as it should be, on so much processor time."""
    before, name = api_calls(bed), f"restarted-{cores or 'free'}"
    process = bed.start_operator(name, leaderElection=True)
    with contextlib.ExitStack() as stack:
        stack.callback(process.kill)
        if cores:
            say(f"{count} models: {cores} cores by {stack.enter_context(limited(process, cores))}")
        idle = wait_idle(process, count, PATIENCE)
        used, log = usage(process.pid), process.log.read_text()
        held = bed.get(LEASE, LEASE_NAMESPACE, "monitored-models")
        kept = process.alive() and log.count('"reason": "Leading"') == 1 and held is not None
        assert "Traceback" not in log, log[-4000:]
        stack.pop_all().close()
    steps = samples(idle.metrics, "monitored_models_event_loop_longest_step_seconds")
    labels, longest = max(steps, key=lambda step: step[1])
    return Restart(
        cores=cores,
        seconds=idle.seconds,
        lag=_lag(idle.metrics, 1.0),
        step=f"{labels['step']} {longest * 1000:.0f} ms",
        probe=idle.slowest_probe,
        kept=kept,
        writes=sum(n for call, n in (api_calls(bed) - before).items() if call.split()[0] in WRITES),
        cpu=used.cpu,
        peak=used.peak,
    )


async def full(count: int) -> Full:
    """The operator on a fresh control plane with controllers and a simulated node."""
    with _bed(controllers=True) as bed, contextlib.ExitStack() as operators:
        process = operators.enter_context(bed.operator("operator", leaderElection=True))
        async with client(bed) as cluster, watching(cluster) as progress:
            used, began = usage(process.pid), time.perf_counter()
            bodies = load.models(count)
            await load.create(cluster, bodies)
            await progress.until(lambda p: len(p.ready) >= count, PATIENCE)
            ready, after, lag = (
                time.perf_counter() - began,
                usage(process.pid),
                _lag(page(process, "/metrics", timeout=60)[1], 0.99),
            )
            writes = _writes(bed)
            await _rest(bed)
            settled = _writes(bed)
            await asyncio.sleep(QUIET_SECONDS)
            quiet = _writes(bed) - settled

            before, began = _writes(bed), time.perf_counter()
            await load.change(cluster, bodies)
            await progress.until(lambda p: sum(g >= CHANGED for g in p.generations.values()) >= count, PATIENCE)
            changed = time.perf_counter() - began
            await progress.until(lambda p: len(p.ready) >= count, PATIENCE)
            await _rest(bed)
            change_writes = (_writes(bed) - before) / count

            failover = await _failover(bed, cluster, progress, process, operators)

            before, began = _writes(bed), time.perf_counter()
            for namespace in load.namespaces():
                await cluster.request("DELETE", MODEL.path(namespace))
            await _until(lambda: not _owned(bed))
            deleted = time.perf_counter() - began
            await _rest(bed)
            delete_writes = _writes(bed) - before
    return Full(
        ready_seconds=ready,
        cpu=1000 * (after.cpu - used.cpu) / count,
        rss=after.peak,
        lag=lag,
        writes=writes / count,
        quiet_writes=quiet,
        change_seconds=changed,
        change_writes=change_writes,
        delete_seconds=deleted,
        delete_writes=delete_writes,
        failover_seconds=failover,
    )


async def _failover(
    bed: Bed, cluster: KubeClient, progress: Progress, leader: Process, operators: contextlib.ExitStack
) -> float:
    """Seconds from the death of the leader until the standby has written a status."""
    operators.enter_context(_standby(bed))
    leader.kill()
    began = time.perf_counter()
    namespace, name = load.namespaces()[0], "model-0"
    patch = {"spec": {"env": [{"name": "MODE", "value": "after failover"}]}}
    made = await cluster.request(
        "PATCH", MODEL.path(namespace, name), body=patch, content_type="application/merge-patch+json"
    )
    wanted = made["metadata"]["generation"]
    await progress.until(lambda p: p.generations.get(f"{namespace}/{name}", 0) >= wanted, PATIENCE)
    return time.perf_counter() - began


@contextlib.contextmanager
def _standby(bed: Bed) -> Iterator[Process]:
    process = bed.start_operator("standby", leaderElection=True)
    try:
        bed.wait("a standby", lambda: process.logged("standing by"))
        yield process
    finally:
        process.kill()


def _writes(bed: Bed) -> int:
    return bed.writes(load.namespaces()).total()


async def _until(done: Callable[[], bool]) -> None:
    while not done():
        await asyncio.sleep(0.2)


async def _rest(bed: Bed) -> None:
    """Wait until the operator has not written for longer than it puts anything off."""
    seen, since = _writes(bed), time.perf_counter()
    while time.perf_counter() - since < COUNTS_DEBOUNCE + 5:
        await asyncio.sleep(2)
        if (now := _writes(bed)) != seen:
            seen, since = now, time.perf_counter()


def _owned(bed: Bed) -> bool:
    """Whether any child is left."""
    for kind in (DEPLOYMENT, CONFIG_MAP, PROMETHEUS_RULE):
        status, listed = bed.plane.request("GET", f"{kind.path()}?limit=1&labelSelector={MANAGED_SELECTOR}")
        assert status == 200, listed
        if listed["items"]:
            return True
    return False


def _lag(metrics: str, share: float) -> float:
    """Seconds that such a share of the timers of the event loop was at most late by."""
    found = samples(metrics, "monitored_models_event_loop_lag_seconds_bucket")
    buckets = [(float(labels["le"]), value) for labels, value in found]
    return next(bound for bound, value in buckets if value >= share * buckets[-1][1])


async def climb(ladder: list[int], repeats: int, *, with_controllers: int) -> list[Rung]:
    """All rungs, the small ones several times; the second table up to so many models."""
    rungs = []
    for count in ladder:
        rung = Rung(count)
        for turn in range(repeats if count <= REPEATED else 1):
            rung.bare.append(await bare(count))
            say(f"{count} models, turn {turn + 1}: bare loop {rung.bare[-1].seconds:.1f} s")
            rung.plain.append(await plain(count))
            say(f"{count} models, turn {turn + 1}: operator {rung.plain[-1]}")
        if count == with_controllers:
            rung.full = await full(count)
            say(f"{count} models: with controllers {rung.full}")
        rungs.append(rung)
    return sorted(rungs, key=lambda rung: rung.count)


def say(text: str) -> None:
    """Show progress."""
    print(f"{clock.now():%H:%M:%S} {text}", flush=True)


def main() -> None:
    """Measure, print, and with --out write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ladder", default="125,500,1000,5000")
    parser.add_argument("--repeats", type=int, default=3, help=f"of rungs up to {REPEATED} models")
    parser.add_argument("--with-controllers", type=int, default=1000, help="rung of the second table")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    ladder = [int(count) for count in given.ladder.split(",")]
    rungs = asyncio.run(climb(ladder, given.repeats, with_controllers=given.with_controllers))
    print(report.tables(rungs))
    if given.out:
        report.write(given.out, rungs)
        say(f"written: {given.out}")


if __name__ == "__main__":
    main()
