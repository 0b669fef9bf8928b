"""Times single steps of the work that block the event loop, to find the cause of a lag. One instance per process."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


class Steps:
    """The longest time of each step since the process started, in seconds. Another thread may read it."""

    def __init__(self) -> None:
        self._longest: dict[str, float] = {}
        self._collecting = 0.0

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Time a step that does not await anything."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.note(step, time.perf_counter() - began)

    def note(self, step: str, seconds: float) -> None:
        """Record how long a step took."""
        if seconds > self._longest.get(step, 0.0):
            self._longest[step] = seconds

    def longest(self) -> tuple[str, float]:
        """The step that took longest, and its seconds; an empty name if nothing was timed."""
        return max(self.all().items(), key=lambda item: item[1], default=("", 0.0))

    def all(self) -> dict[str, float]:
        """Longest seconds by step."""
        return dict(self._longest)

    def time_garbage_collection(self) -> None:
        """Also time Python's garbage collector, which stops every thread."""
        gc.callbacks.append(self._on_collection)

    def exempt_from_garbage_collection(self, *, only_young: bool = False) -> None:
        """Exempt all objects that exist now from garbage collection: modules, or models that were listed.

        A full collection visits every object, which takes half a second for a million. An exempt object is still freed
        when its last reference goes; it must not be part of a reference cycle. So cycles are collected first; with
        `only_young`, only among the objects that were created lately, which takes milliseconds.
        """
        with self.timed("garbage_collection"):
            gc.collect(1 if only_young else 2)
        gc.freeze()

    def _on_collection(self, phase: str, _info: Mapping[str, Any]) -> None:
        if phase == "start":
            self._collecting = time.perf_counter()
        else:
            self.note("garbage_collection", time.perf_counter() - self._collecting)
