"""`mmctl dashboard preview` on a real Prometheus, in a real browser: every panel is drawn, and keeps to its box."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import sample_fleet
from dashboards.rendered_dashboards import shared
from dashboards.sample_fleet import STORIES
from monitored_models.preview.supported import PANELS
from monitored_models.render.children import render
from monitored_models.render.dashboards.one_model import dashboard_json
from monitored_models.settings import Settings
from preview.serving import Shown, panels, preview
from signals import replay
from testbed import browser, clock, debian, prometheus
from testbed.prometheus import Prometheus
from testbed.tools import ToolError

ROOT = Path(__file__).parents[2]
FIXTURES = [fixture for fixture in replay.fixtures() if fixture.runtime in ("custom", "vllm")]
END = 1795521600
"""2026-11-24T12:00:00Z. Only the sample fleet is drawn at the time on the clock."""
RANGE = 900
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture(scope="module", autouse=True)
def chromium() -> None:
    try:
        debian.ensure("chromium")
    except ToolError as error:
        pytest.skip(f"THE PREVIEW IS NOT TESTED IN A BROWSER: {error}")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prometheus, int]]:
    """A Prometheus with six hours of the sample fleet, and their end: axes look otherwise around midnight and a new year."""
    folder, end = tmp_path_factory.mktemp("fleet"), clock.end(300)
    sample_fleet.write(folder, end)
    with prometheus.running(folder, []) as server:
        yield server, end


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus with a past of some models, with their rules, up to END."""
    folder = tmp_path_factory.mktemp("models")

    def samples() -> Iterator[str]:
        for fixture in FIXTURES:
            yield from replay.history(fixture, END)
        yield from replay.claims(END)

    prometheus.write_history(folder, samples())
    children = (child for fixture in FIXTURES for child in render(fixture.model, Settings(), replay.PODS))
    groups = [group for child in children if child["kind"] == "PrometheusRule" for group in child["spec"]["groups"]]
    with prometheus.at_the_end(folder, groups, END, seconds=RANGE) as server:
        yield server


@asynccontextmanager
async def opened(address: str, folder: Path, width: int = 1440) -> AsyncIterator[browser.Page]:
    async with browser.page(address, folder, width=width) as page:
        yield page
        assert page.complaints == []
        assert {method for method, _ in page.asked} <= {"GET"}
        outside = [
            url for _, url in page.asked if not url.startswith((address.split("/d/", maxsplit=1)[0], "data:", "about:"))
        ]
        assert outside == []


def misplaced(found: list[Shown]) -> list[tuple[str, Any]]:
    return [(shown.title, shown.out or shown.over) for shown in found if shown.out or shown.over]


@pytest.mark.clock
@pytest.mark.parametrize("width", [1440, 1000])
def test_every_kind_of_panel_is_drawn_within_its_box(width: int, fleet: tuple[Prometheus, int], tmp_path: Path) -> None:
    """The dashboards of all models and objectives, and those of a model in trouble and of one with quality and drift."""
    server, end = fleet
    boards = shared() | {story.name: json.loads(dashboard_json(story.now)) for story in STORIES}
    names = ("monitored-models-fleet", "monitored-models-slo", "churn", "fraud")
    (tmp_path / "fleet.yaml").write_text(json.dumps({"kind": "List", "items": [boards[name] for name in names]}))

    async def look(address: str) -> list[Shown]:
        found = []
        for name in names:
            (tmp_path / name).mkdir()
            async with opened(f"{address}/d/{boards[name]['uid']}", tmp_path / name, width) as page:
                found += await panels(page)
                await page.picture(tmp_path / f"{name}.png")
        return found

    options = ("--end", str(end), "--scrape-interval", "1m")
    with preview(tmp_path, [tmp_path / "fleet.yaml"], server.url, *options) as address:
        found = asyncio.run(look(address))
    assert {one.kind for one in found if one.state == "drawn"} == set(PANELS)
    assert [one for one in found if one.state not in ("drawn", "empty") or "Not drawn" in one.text] == []
    assert misplaced(found) == []
    plots = [size for one in found for size in one.plot]
    assert all(wide > 80 and high > 80 for wide, high in plots), plots
    texts = {one.title: one.text for one in found}
    assert "req/s" in texts["Requests"]
    assert "churn" in texts["Every model"]
    assert "p99" in texts["Latency"]


def test_dashboards_of_models_are_drawn(models: Prometheus, tmp_path: Path) -> None:
    """As the operator renders them, from the same MonitoredModels."""
    wanted = [
        {
            "apiVersion": "monitoredmodels.dev/v1alpha1",
            "kind": "MonitoredModel",
            "metadata": {"name": fixture.name, "namespace": replay.NAMESPACE},
            "spec": spec_of(fixture),
        }
        for fixture in FIXTURES
    ]
    (tmp_path / "models.yaml").write_text(yaml.safe_dump_all(wanted))

    async def look(address: str) -> dict[str, list[Shown]]:
        found = {}
        with _direct.open(f"{address}/", timeout=10) as answer:
            slugs = re.findall(r'href="d/([^"]+)"', answer.read().decode())
        assert slugs
        for number, slug in enumerate(slugs):
            folder = tmp_path / str(number)
            folder.mkdir()
            async with opened(f"{address}/d/{slug}", folder) as page:
                found[slug] = await panels(page)
                await page.picture(tmp_path / f"{slug}.png")
        return found

    options = ("--end", str(END), "--range", f"{RANGE // 60}m")
    with preview(tmp_path, [tmp_path / "models.yaml"], models.url, *options) as address:
        found = asyncio.run(look(address))
    for slug, shown in found.items():
        assert [one for one in shown if one.state in ("error", "not-drawn", "waiting", "asked")] == [], slug
        assert misplaced(shown) == [], slug
        assert [one.title for one in shown if one.state == "drawn"], slug


def spec_of(fixture: replay.Fixture) -> dict[str, Any]:
    spec: dict[str, Any] = {"runtime": fixture.runtime, "replicas": replay.PODS, "model": {"version": "v1"}}
    if fixture.model.runtime.uri.schemes:
        spec["model"]["uri"] = f"{next(iter(fixture.model.runtime.uri.schemes))}://models/one"
    else:
        spec |= {"image": "registry.example.com/server:1"}
    return spec


NASTY = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"


def test_texts_of_dashboards_and_of_prometheus_stay_texts(tmp_path: Path) -> None:
    label = NASTY.replace("\\", "\\\\").replace('"', '\\"')
    lines = [f'nasty{{name="{label}"}} {at % 7:.0f} {at:.0f}' for at in range(END - 1800, END, 15)]
    prometheus.write_history(tmp_path / "past", lines)
    kinds = ("stat", "timeseries", "gauge", "bargauge", "histogram", "state-timeline", "table", "heatmap")
    targets = [{"refId": "A", "expr": "nasty", "legendFormat": "{{name}}", "range": True}]
    places = [{"x": index % 2 * 12, "y": index // 2 * 8, "w": 12, "h": 8} for index in range(len(kinds) + 3)]
    states = [{"type": "value", "options": {"1": {"text": NASTY, "color": NASTY}}}]
    defaults = {"unit": NASTY, "noValue": NASTY, "mappings": states, NASTY: NASTY}
    made = [
        {
            "type": kind,
            "title": NASTY,
            "description": NASTY,
            "gridPos": place,
            "targets": [{**targets[0], "format": "table", "range": False, "instant": True}]
            if kind == "table"
            else targets,
            "fieldConfig": {"defaults": defaults, "overrides": []},
        }
        for kind, place in zip(kinds, places, strict=False)
    ]
    made += [
        {
            "type": "text",
            "title": "text",
            "gridPos": places[-3],
            "options": {"content": f"{NASTY}\n\n[x](javascript:alert)"},
        },
        {"type": NASTY, "title": "unknown", "gridPos": places[-2]},
        {"type": "stat", "title": "wrong", "gridPos": places[-1], "targets": [{"expr": f'nasty{{name="{NASTY}'}]},
    ]
    variables = [
        {
            "type": "query",
            "name": "name",
            "label": NASTY,
            "query": {"query": "label_values(nasty, name)"},
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "sort": 1,
        },
        {"type": NASTY, "name": NASTY},
    ]
    annotations = [{"name": NASTY, "enable": True, "expr": "nasty > 5", "titleFormat": "{{name}}", "iconColor": "red"}]
    about = {"templating": {"list": variables}, "annotations": {"list": annotations}, "tags": [NASTY]}
    (tmp_path / "nasty.json").write_text(json.dumps({"title": NASTY, "uid": "nasty", "panels": made, **about}))

    async def look(address: str) -> None:
        async with opened(f"{address}/d/nasty?range=15m&var-name={NASTY.replace(' ', '+')}", tmp_path) as page:
            found = await panels(page)
            states = {shown.title: shown.state for shown in found}
            assert (states["unknown"], states["wrong"], states["text"]) == ("not-drawn", "error", "drawn")
            assert await page.evaluate("document.title") == NASTY
            assert await page.evaluate("document.querySelectorAll('main img, main script').length") == 0
            assert await page.evaluate("document.querySelectorAll('[href^=javascript]').length") == 0
            assert "onerror" in await page.evaluate("document.querySelector('.is-timeseries .legend').innerText")
            await page.picture(tmp_path / "nasty.png")

    with (
        prometheus.running(tmp_path / "past", []) as server,
        preview(tmp_path, [tmp_path / "nasty.json"], server.url, "--end", str(END)) as address,
    ):
        asyncio.run(look(address))


def test_it_only_reads_and_answers_to_this_machine_only(models: Prometheus, tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text(json.dumps({"title": "One", "uid": "one", "panels": []}))
    with preview(tmp_path, [tmp_path / "one.json"], models.url) as address:
        assert answer(address, method="POST") == 405
        assert answer(f"{address}/d/one", method="DELETE") == 405
        assert answer(address, host="evil.example") == 403
        assert answer(f"{address}/d/other") == 404
        assert answer(f"{address}/d/one/panels/99") == 404
        assert answer(address) == 200


def answer(url: str, method: str = "GET", host: str = "") -> int:
    request = urllib.request.Request(url, method=method, headers={"Host": host} if host else {})  # noqa: S310 -- our own
    try:
        with _direct.open(request, timeout=10) as found:
            return int(found.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
