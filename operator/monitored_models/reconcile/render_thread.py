"""Runs renderings on the event loop; those of large specs in a thread, where they do not block it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ..base.step_timer import Steps
from ..plan.render_cache import RenderInput

LARGE_BYTES = 16_384
"""Larger specs are parsed and rendered in the thread: they take up to a second, smaller ones some milliseconds."""

_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="large-spec")
"""One thread: with several, the event loop would get a small share of the interpreter only."""

T = TypeVar("T")


async def run_render(work: Callable[[RenderInput], T], inputs: RenderInput, steps: Steps) -> T:
    """Call `work(inputs)`. Other tasks run meanwhile only if the input is large."""
    if inputs.size > LARGE_BYTES:
        return await asyncio.get_running_loop().run_in_executor(_THREAD, work, inputs)
    with steps.timed("parse_and_render"):
        return work(inputs)
