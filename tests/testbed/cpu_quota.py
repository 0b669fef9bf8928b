"""A limit on the processor time of a running process, as a container's CPU limit is one.

By a control group where this machine lets us make one. Else by a brake of our own that does what the kernel's quota does:
in each period of 100 ms the process runs until it has used its share, and is stopped for the rest.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from testbed.processes import Process

PERIOD_SECONDS = 0.1
_TICK = 1 / os.sysconf("SC_CLK_TCK")


@contextmanager
def limited(process: Process, cores: float) -> Iterator[str]:
    """Limit a process and its threads to so many cores while inside. Gives what limits it, for a report."""
    group = _group(process.pid, cores)
    if group is not None:
        try:
            yield f"a control group ({group.parent})"
        finally:
            _leave(group)
        return
    ending = threading.Event()
    brake = threading.Thread(target=_brake, args=(process, cores, ending), daemon=True)
    brake.start()
    try:
        yield "SIGSTOP and SIGCONT: this machine has no control group that may be made"
    finally:
        ending.set()
        brake.join()


def _group(pid: int, cores: float) -> Path | None:
    """A control group with this quota and this process in it; None where none can be made."""
    for parent in (Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")):
        group, quota = parent / f"monitored-models-{pid}", round(cores * PERIOD_SECONDS * 1_000_000)
        made = False
        try:
            group.mkdir()
            made = True
            if (group / "cpu.cfs_quota_us").exists():
                (group / "cpu.cfs_period_us").write_text(f"{PERIOD_SECONDS * 1_000_000:.0f}")
                (group / "cpu.cfs_quota_us").write_text(f"{quota}")
            else:
                (group / "cpu.max").write_text(f"{quota} {PERIOD_SECONDS * 1_000_000:.0f}")
            (group / "cgroup.procs").write_text(f"{pid}")
        except OSError:
            if made:
                group.rmdir()
            continue
        return group
    return None


def _leave(group: Path) -> None:
    """Remove a group; its processes go on without a limit."""
    for pid in (group / "cgroup.procs").read_text().split():
        with suppress(OSError):  # it ended just now
            (group.parent / "cgroup.procs").write_text(pid)
    deadline = time.monotonic() + 5
    while True:
        try:
            group.rmdir()
        except OSError:  # a process that was killed is in it until it is gone
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _brake(process: Process, cores: float, ending: threading.Event) -> None:
    while not ending.is_set() and process.alive():
        began, used = time.monotonic(), _used(process.pid)
        while time.monotonic() - began < PERIOD_SECONDS:
            time.sleep(_TICK / 2)
            if _used(process.pid) - used >= cores * PERIOD_SECONDS:
                process.signal(signal.SIGSTOP)
                time.sleep(max(0.0, began + PERIOD_SECONDS - time.monotonic()))
                process.signal(signal.SIGCONT)


def _used(pid: int) -> float:
    """Processor seconds of a process and its threads; 0 when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) * _TICK
