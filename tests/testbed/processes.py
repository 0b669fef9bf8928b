"""Child processes of the tests: started in a session of their own, waited for, and killed hard.

A guard process sees to it that none outlives the tests, not even after a SIGKILL: it holds the reading end of a
pipe whose only writing end is here, and kills every registered process group when that end closes. The other
way, PR_SET_PDEATHSIG, acts when the *thread* that started the child ends, spares grandchildren, and needs
Python code between fork and exec, which is not safe once there are threads.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


class NotReadyError(RuntimeError):
    """Something awaited did not happen in time, or a process it depends on has ended."""


@dataclass(frozen=True)
class Process:
    """A running child, leader of its own session and process group, whose output goes to `log`."""

    name: str
    log: Path
    _popen: subprocess.Popen[bytes]
    _log_start: int = 0
    """Bytes in the log before this start."""

    @property
    def pid(self) -> int:
        """The process id of the program itself (there is no wrapper between)."""
        return self._popen.pid

    def status(self) -> int | None:
        """The exit status, negative for a signal; None while the program is running."""
        if self._popen.returncode is not None:
            return self._popen.returncode
        # Looks without reaping: until `kill` has dealt with the group, its number must not become free.
        ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return None
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    def alive(self) -> bool:
        """Whether the program is still running."""
        return self.status() is None

    def terminate(self, timeout: float = 30) -> int:
        """Ask the program to end, as Kubernetes does, and return its exit status; kill it if it does not."""
        self.signal(signal.SIGTERM)
        try:
            wait_until(lambda: not self.alive(), f"end of {self.name} after SIGTERM", timeout=timeout)
            return self.status() or 0
        except NotReadyError as error:
            raise NotReadyError(f"{error}\n{self.tail()}") from None
        finally:
            self.kill()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program alone, not to its children."""
        if self._popen.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the program and all it started, at once, and wait until it is gone. Can be repeated."""
        self.send_kill()
        self._popen.wait()
        _guard.forget(self.pid)

    def send_kill(self) -> None:
        """The first half of `kill`, without the wait."""
        # Also when the leader has ended: what it started may live on. Not once it is reaped: see status().
        if self._popen.returncode is None:
            os.killpg(self.pid, signal.SIGKILL)

    def logged(self, text: str) -> bool:
        """Whether the log has a text since this start. Not limited to the last lines: a busy program writes many at once."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return text.encode() in log.read()

    def tail(self, lines: int = 20) -> str:
        """The last lines of the log, headed by what the process is and how it is doing."""
        status = self.status()
        state = "running" if status is None else f"ended with status {status}"
        text = self.log.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join([f"--- {self.name}, {state}, {self.log}:", *text])


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Process:
    """Start a program in a session of its own; `env` is its whole environment, by default a copy of ours."""
    # "a" rather than "w": the log of a program that a test starts again keeps what the first run said.
    with log.open("ab") as output:
        log_start = output.tell()
        popen = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
        )
    _guard.watch(popen.pid)
    return Process(name, log, popen, log_start)


def kill_all(processes: Iterable[Process]) -> None:
    """Kill several at once, without waiting for one before killing the next."""
    doomed = list(processes)
    for process in doomed:
        process.send_kill()
    for process in doomed:
        process.kill()


def free_port() -> int:
    """A loopback port that nobody listens on and that the kernel hands to nobody else for a minute.

    A port that was only bound and closed can be given to the next caller, or to any outgoing connection, before
    our program listens. One with a connection in TIME_WAIT cannot, while servers, which set SO_REUSEADDR, may
    still listen on it.
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        address: tuple[str, int] = listener.getsockname()
        with socket.create_connection(address) as client:
            accepted, _ = listener.accept()
            accepted.close()  # the side that closes first is the one left in TIME_WAIT: this one, on the port
            client.recv(1)
    return address[1]


def wait_until(
    condition: Callable[[], bool],
    what: str,
    *,
    timeout: float = 30,
    interval: float = 0.05,
    processes: Sequence[Process] = (),
) -> None:
    """Return when the condition holds; give up at the deadline, or at once when one of the processes ends.

    The error shows the tails of their logs.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        ended = [process for process in processes if not process.alive()]
        if ended or time.monotonic() > deadline:
            why = f"{ended[0].name} has ended" if ended else f"not within {timeout:g} s"
            raise NotReadyError("\n".join([f"{what}: {why}", *(process.tail() for process in ended or processes)]))
        time.sleep(interval)


def wait_for_url(
    url: str,
    *,
    ca_file: Path | None = None,
    timeout: float = 30,
    processes: Sequence[Process] = (),
) -> None:
    """Return when a GET of the URL answers with a 2xx status."""
    context = ssl.create_default_context(cafile=ca_file) if ca_file else None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    answer = "no answer"

    def answers() -> bool:
        nonlocal answer
        try:
            with opener.open(url, timeout=5):
                return True
        except urllib.error.HTTPError as error:
            with error:
                answer = f"{error.code} {error.read(500).decode(errors='replace')}"
        except OSError as error:
            answer = str(error)
        return False

    try:
        wait_until(answers, url, timeout=timeout, processes=processes)
    except NotReadyError as error:
        raise NotReadyError(f"{error}\n--- last answer of {url}: {answer}") from None


class _Guard:
    """The guard process and the pipe to it; started with the first child, ended by the end of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pipe: int | None = None
        self._popen: subprocess.Popen[bytes] | None = None

    def watch(self, group: int) -> None:
        with self._lock:
            if self._pipe is None:
                self._pipe = self._start()
            os.write(self._pipe, f"{group}\n".encode())

    def forget(self, group: int) -> None:
        """Take back a group that has ended: its number may soon be somebody else's."""
        with self._lock:
            if self._pipe is not None:
                os.write(self._pipe, f"-{group}\n".encode())

    def _start(self) -> int:
        reading, writing = os.pipe()  # not inheritable, so no child keeps the writing end open
        self._popen = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__],
            stdin=reading,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C at the terminal is for the tests, not for the guard
        )
        os.close(reading)
        atexit.register(self._close)
        return writing

    def _close(self) -> None:
        with self._lock:
            if self._pipe is not None and self._popen is not None:
                os.close(self._pipe)
                self._pipe = None
                self._popen.wait()


def _stand_guard() -> None:
    """The guard's side: follow the list of groups until the pipe closes, then kill those still on it."""
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line)
        if group > 0:
            groups.add(group)
        else:
            groups.discard(-group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


_guard = _Guard()

if __name__ == "__main__":
    _stand_guard()
