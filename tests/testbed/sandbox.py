"""A place on this machine where a node can live and leave no trace: own network, own mounts, own control groups.

The control group is what tells which processes are ours: everything started here begins in it, containers are put
below it, and nothing leaves it. So the end is the same after a proper stop and after a crash: kill what is in the
group, remove the group and the folder. Mounts, network and routes go with the last process. A lock on the folder,
which the kernel drops when its holder dies, tells a crashed sandbox from a running one.

`python -m testbed.sandbox` removes what crashed runs have left.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from testbed import debian, network, oci, processes
from testbed.network import Network
from testbed.processes import NotReadyError, Process

# kubelet and its plugins have these compiled in; inside they are private folders.
FIXED_FOLDERS = tuple(map(Path, ("/var/lib/kubelet", "/var/lib/cni", "/var/log/containers", "/var/log/pods")))
# What kubelet sets for the whole machine. It finds these values here, and leaves the machine's alone.
TUNABLES = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
CONTROLLERS = {"cpu", "cpuset", "hugetlb", "memory", "pids"}
IN_GROUP = ["sh", "-c", 'echo $$ >"$0" && exec "$@"']


class Sandbox:
    """One such place; `command` makes a command run in it."""

    def __init__(self, name: str) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", name):
            raise ValueError(f"a node's name is of up to 40 lower-case letters, digits and dashes, not {name!r}")
        self.name = name
        self.folder = _sandboxes() / name
        self.group = f"mm-{name}"
        self.network: Network
        self._holder: Process | None = None
        self._undo = contextlib.ExitStack()

    def open(self) -> None:
        """Set it up, after removing what a crashed run of the same name has left."""
        with contextlib.ExitStack() as undo:
            undo.enter_context(_locked(self.name))
            _remove(self.name)
            undo.callback(_remove, self.name)
            self.folder.mkdir()
            _pass_on_controllers()
            for root in _group_roots():
                (root / self.group / "node").mkdir(parents=True, exist_ok=True)
            self._holder = self._hold()
            undo.callback(self._holder.kill)
            with network.claimed(_sandboxes() / "network.lock") as self.network:
                network.connect(self.name, self.network, self._holder.pid)
            self._undo = undo.pop_all()

    def command(self, *words: str | Path) -> list[str | Path]:
        """The command that runs these words inside."""
        if self._holder is None:
            raise RuntimeError(f"the sandbox {self.name} is not open")
        pid = self._holder.pid
        enter = [debian.command("nsenter"), f"--net=/proc/{pid}/ns/net", f"--mount=/proc/{pid}/ns/mnt", "--"]
        return [*IN_GROUP, self._members, *enter, *words]

    def close(self) -> None:
        """Kill all that runs inside and remove every trace. Does nothing to a sandbox that this one did not open."""
        self._undo.close()
        self._holder = None

    @property
    def _members(self) -> Path:
        return _group_roots()[0] / self.group / "node" / "cgroup.procs"

    def _hold(self) -> Process:
        """Start the process that the namespaces belong to."""
        lines = ["set -e", "mount -t tmpfs tmpfs /run"]
        for folder in FIXED_FOLDERS:
            private = self.folder / "private" / folder.relative_to("/")
            private.mkdir(parents=True)
            _make_for_mounting(folder)
            lines.append(f"mount --bind '{private}' {folder}")
        for name, value in TUNABLES.items():
            private = self.folder / "private" / name.replace("/", ".")
            private.write_text(f"{value}\n")
            lines.append(f"mount --bind '{private}' /proc/sys/{name}")
        lines += [f": >'{self.folder}/ready'", "exec sleep infinity"]
        unshare = ["unshare", "--net", "--mount", "--propagation", "private", "--", "sh", "-c", "\n".join(lines)]
        holder = processes.start(
            "sandbox", [*IN_GROUP, self._members, *unshare], log=self.folder / "sandbox.log", env=environment()
        )
        ready = self.folder / "ready"
        processes.wait_until(ready.exists, "the sandbox", processes=[holder])
        return holder


def remove_crashed() -> None:
    """Remove what runs that were killed have left, whatever their names."""
    if not _sandboxes().exists():
        return
    for folder in _sandboxes().iterdir():
        if folder.is_dir():
            with contextlib.suppress(InUseError), _locked(folder.name):
                _remove(folder.name)


class InUseError(NotReadyError):
    """Another process has a sandbox of this name."""


def environment() -> dict[str, str]:
    """Ours, but with no proxy: everything that the node talks to is inside or next to it."""
    proxies = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
    kept = {name: value for name, value in os.environ.items() if name.lower() not in proxies}
    return kept | {"PATH": debian.SEARCH}


def _sandboxes() -> Path:
    # Not in /tmp: the containers' file systems take a gigabyte, and /tmp can be in memory.
    return oci.cache().parent / "nodes"


@contextlib.contextmanager
def _locked(name: str) -> Iterator[None]:
    path = _sandboxes() / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUseError(f"a node called {name} is running already; stop it or choose another name") from None
        # Its last holder may have removed the file after it was opened here: then this is the lock of nothing.
        if not path.exists() or not os.path.samestat(path.stat(), os.fstat(lock.fileno())):
            raise InUseError(f"the node called {name} is being stopped just now; try again")
        try:
            yield
        finally:
            path.unlink()


def _group_roots() -> list[Path]:
    """Where control groups are made: one folder with version 2, one for each controller with version 1."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    roots = [Path(mount[1]) for kind in ("cgroup2", "cgroup") for mount in mounts if mount[2] == kind]
    if not roots:
        raise NotReadyError("no control groups are mounted on this machine")
    return roots


def _pass_on_controllers() -> None:
    """With version 2 alone: kubelet wants every controller in its group, and an init system may leave some out."""
    root, *others = _group_roots()
    offered, passed = root / "cgroup.controllers", root / "cgroup.subtree_control"
    if offered.exists() and not others:
        for controller in CONTROLLERS & (set(offered.read_text().split()) - set(passed.read_text().split())):
            passed.write_text(f"+{controller}")


def _remove(name: str) -> None:
    _kill(f"mm-{name}")
    network.disconnect(name)
    if (_sandboxes() / name).exists():
        shutil.rmtree(_sandboxes() / name)
    _remove_made()


def _make_for_mounting(folder: Path) -> None:
    """Have a folder to mount a private one on; note down that it was made, to remove it again."""
    with _made() as made:
        if not folder.exists():
            folder.mkdir(parents=True)
            made.write(f"{folder}\n")


def _remove_made() -> None:
    with _made() as made:
        # To remove a folder is to end the mounts on it, also those of another sandbox that still runs.
        if any(each.is_dir() for each in _sandboxes().iterdir()):
            return
        made.seek(0)
        for line in made.read().splitlines():
            with contextlib.suppress(OSError):  # somebody else may have come to use it
                Path(line).rmdir()
        made.truncate(0)


@contextlib.contextmanager
def _made() -> Iterator[TextIO]:
    with (_sandboxes() / "made").open("a+") as made:
        fcntl.flock(made, fcntl.LOCK_EX)
        yield made


def _kill(group: str) -> None:
    """Kill everything in a control group until nothing is left, and remove it."""
    deadline = time.monotonic() + 30
    groups = [root / group for root in _group_roots() if (root / group).exists()]
    while groups:
        members = {int(pid) for each in groups for procs in each.rglob("cgroup.procs") for pid in _read(procs)}
        for pid in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not members:
            # Refused while a process that is no longer listed still ends its threads.
            groups = [each for each in groups if not _removed(each)]
        if groups:
            if time.monotonic() > deadline:
                raise NotReadyError(f"{group} does not end; still in it: {sorted(members)}")
            time.sleep(0.02)


def _removed(group: Path) -> bool:
    below = sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True)
    try:
        for folder in [*below, group]:
            folder.rmdir()
    except OSError:
        return False
    return True


def _read(procs: Path) -> list[str]:
    try:
        return procs.read_text().split()
    except OSError:  # the group went in the meantime
        return []


if __name__ == "__main__":
    remove_crashed()
