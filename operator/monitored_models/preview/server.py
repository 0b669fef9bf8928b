"""HTTP server of the preview: an index, a page for each dashboard, and an endpoint that renders one panel."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any

import aiohttp
from aiohttp import web
from multidict import MultiMapping
from plotly.offline import get_plotlyjs

from ..integrations.prometheus.client import Prometheus, PrometheusError
from . import page, variables
from .annotations import Mark, marks
from .dashboard_reader import Annotation, Dashboard, Panel, Target
from .figures import OVER_TIME, draw
from .frames import Answer
from .plotting import COLUMN_PIXELS
from .variables import Chosen, Window
from .views import Drawing

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_MOST_MARKS, _ANNOTATION_STEP = 200, 60
CACHE_SECONDS = 60.0
"""Time for which the result of a query is reused: panels of a page repeat queries."""


class CannotServe(Exception):
    """The preview cannot start. The message names the fix."""


@dataclass(frozen=True)
class Preview:
    """The dashboards to serve and the Prometheus to query."""

    dashboards: tuple[Dashboard, ...]
    prometheus: str
    listen: str
    range: str = ""
    """Duration of the displayed range, such as 15m. If empty, each dashboard's own range applies."""
    end: float | None = None
    """End of the range in Unix seconds; None means now."""
    scrape: str = "15s"
    """Scrape interval, which is the minimum step."""


async def run(preview: Preview, told: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM. Calls `told` with the URL. Raises CannotServe."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with serving(preview) as address:
        told(address)
        await ended.wait()


@asynccontextmanager
async def serving(preview: Preview) -> AsyncIterator[str]:
    """Serve until the context ends; yields the URL. Raises CannotServe."""
    async with aiohttp.ClientSession() as session:
        runner = web.AppRunner(
            application(preview, Prometheus(session, preview.prometheus, cache_seconds=CACHE_SECONDS)),
            access_log=None,
            shutdown_timeout=1.0,
        )
        await runner.setup()
        try:
            host, port = preview.listen.rsplit(":", 1)
            site = web.TCPSite(runner, host.strip("[]") or None, int(port))
            try:
                await site.start()
            except (OSError, OverflowError) as error:
                raise CannotServe(f"cannot listen on {preview.listen}: {error}; give another --listen") from error
            yield f"http://{host or 'localhost'}:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


def application(preview: Preview, prometheus: Prometheus) -> web.Application:
    """Return the web application. All routes are GET; it caches only responses of Prometheus, for a minute."""
    by_slug = {one.slug: one for one in preview.dashboards}
    assets = resources.files(__package__) / "assets"
    style, script = (assets / "page.css").read_text("utf-8"), (assets / "page.js").read_text("utf-8")

    async def index(_request: web.Request) -> web.Response:
        return web.Response(text=page.index(preview.dashboards, prometheus.address), content_type="text/html")

    async def dashboard(request: web.Request) -> web.Response:
        one = _found(by_slug, request)
        view = await _view(preview, one, request.query, prometheus)
        return web.Response(text=page.dashboard(one, view, prometheus.address), content_type="text/html")

    async def panel(request: web.Request) -> web.Response:
        one = _found(by_slug, request)
        wanted = one.panel(int(request.match_info["number"]))
        if wanted is None:
            raise web.HTTPNotFound
        view = await _view(preview, one, request.query, prometheus)
        try:
            drawing = await _drawing(one, wanted, view, prometheus)
        except PrometheusError as error:
            return web.json_response(page.failure(str(error), wanted.unsupported))
        return web.json_response(page.body(drawing, wanted.unsupported))

    def fixed(text: str, kind: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(_request: web.Request) -> web.Response:
            return web.Response(text=text, content_type=kind)

        return answer

    made = web.Application(middlewares=[_only_here(preview.listen)])
    made.router.add_get("/", index)
    made.router.add_get("/d/{slug}", dashboard)
    made.router.add_get(r"/d/{slug}/panels/{number:\d{1,6}}", panel)
    made.router.add_get("/plotly.js", fixed(get_plotlyjs(), "text/javascript"))
    made.router.add_get("/page.js", fixed(script, "text/javascript"))
    made.router.add_get("/page.css", fixed(style, "text/css"))
    return made


def _only_here(listen: str) -> Any:
    """Reject foreign Host headers on a loopback address, because of DNS rebinding: a foreign name can resolve to it."""
    host = listen.rsplit(":", 1)[0].strip("[]")
    local = host == "localhost" or _is_loopback(host)

    @web.middleware
    async def checked(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Any:
        asked = (request.url.host or "").strip("[]")
        if local and asked != "localhost" and not _is_loopback(asked):
            raise web.HTTPForbidden(text="the preview answers to this machine only\n")
        answer = await handler(request)
        answer.headers.update(_HEADERS)
        return answer

    return checked


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _found(by_slug: Mapping[str, Dashboard], request: web.Request) -> Dashboard:
    if request.match_info["slug"] not in by_slug:
        raise web.HTTPNotFound(text="there is no such dashboard\n")
    return by_slug[request.match_info["slug"]]


async def _view(preview: Preview, one: Dashboard, query: MultiMapping[str], prometheus: Prometheus) -> page.View:
    """Return the range and the variables that a page requests."""
    own = one.begin.removeprefix("now-") if one.begin.startswith("now-") else "6h"
    length = next(name for name in (query.get("range", ""), preview.range, own, "6h") if variables.seconds(name))
    end = _time(query.get("to")) or _time(query.get("end")) or preview.end or time.time()
    begin = _time(query.get("from"))
    if begin is None or begin >= end:
        begin = end - (variables.seconds(length) or 0)
    window = Window(begin, end, datetime.fromtimestamp(end).astimezone().tzinfo)
    chosen, problems = await _chosen(one, window, query, prometheus)
    scrape = variables.seconds(preview.scrape) or 15
    return page.View(window, length, query.get("end", ""), chosen, scrape, [*one.unsupported, *problems])


def _time(text: str | None) -> float | None:
    """Parse Unix seconds; None if the text is not a number or out of the range of dates."""
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if 0 < found < 1e11 else None


async def _chosen(
    one: Dashboard, window: Window, query: MultiMapping[str], prometheus: Prometheus
) -> tuple[dict[str, Chosen], list[str]]:
    """Resolve the variables in order, because a query may use earlier ones. Also return the problems."""
    chosen: dict[str, Chosen] = {}
    problems: list[str] = []
    for variable in one.variables:
        selector, found = variables.in_query(variable.selector, chosen, {}), list[str]()
        try:
            found = await prometheus.label_values(variable.label, selector, window.begin, window.end)
        except PrometheusError as error:
            problems.append(f"Variable {variable.name}: {error}")
        chosen[variable.name] = variables.chosen(variable, found, query.getall(f"var-{variable.name}", ()))
    return chosen, problems


async def _drawing(one: Dashboard, panel: Panel, view: page.View, prometheus: Prometheus) -> Drawing:
    asked = [_answer(panel, target, view, prometheus) for target in panel.targets if target.expression]
    annotations = one.annotations if panel.kind in OVER_TIME else ()
    found = await asyncio.gather(*asked)
    marked = await asyncio.gather(*(_marks(annotation, view, prometheus) for annotation in annotations))
    return draw(panel, found, [mark for several in marked for mark in several][:_MOST_MARKS], view.window)


async def _answer(panel: Panel, target: Target, view: page.View, prometheus: Prometheus) -> Answer:
    step = variables.step(view.window, max(panel.width * COLUMN_PIXELS, 100), view.scrape)
    expression = variables.in_query(target.expression, view.chosen, variables.built_in(step, view.scrape))
    begin, end = (moment // step * step for moment in (view.window.begin, view.window.end))
    if target.instant:
        samples = await prometheus.samples(expression, view.window.end)
    else:
        samples = await prometheus.range(expression, begin, end, step)
    return Answer(target, samples, begin, end, step)


async def _marks(annotation: Annotation, view: page.View, prometheus: Prometheus) -> list[Mark]:
    """Return the times at which an annotation's query starts to have a result. A failed query has no marks."""
    step = variables.step(view.window, 1400, _ANNOTATION_STEP)
    query = variables.in_query(annotation.expression, view.chosen, variables.built_in(step, view.scrape))
    begin, end = (moment // step * step for moment in (view.window.begin, view.window.end))
    try:
        samples = await prometheus.range(query, begin, end, step)
    except PrometheusError:
        return []
    return [mark for sample in samples for mark in marks(annotation, sample, view.window, step)]
