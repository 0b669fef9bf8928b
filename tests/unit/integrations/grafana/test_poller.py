"""The poller and its calls, against a stand-in for Grafana's API."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitored_models.integrations.grafana.client import PAGE, GrafanaClient, GrafanaError, client
from monitored_models.integrations.grafana.dashboard_check import VersionChange
from monitored_models.integrations.grafana.poller import Poller
from monitored_models.integrations.grafana.tracker import DashboardTracker
from monitored_models.naming.keys import Key
from monitored_models.settings import Grafana as Settings
from monitored_models.settings import InvalidSettings, load
from monitored_models.telemetry.operator_metrics import Metrics
from testbed import grafana as stand_in
from testbed.clock import now
from testbed.grafana import TOKEN, Grafana, running_grafana
from testbed.processes import free_port

KEY, UID = Key("a", "m"), "mm-1"


@pytest.fixture
def grafana() -> Iterator[Grafana]:
    with running_grafana(dashboards={UID}) as made:
        yield made


@pytest.fixture
def settings(grafana: Grafana, tmp_path: Path) -> Settings:
    return made_settings(grafana.url, tmp_path)


def made_settings(url: str, tmp_path: Path, token: str = TOKEN, **more: Any) -> Settings:
    file = tmp_path / "token"
    file.write_text(token + "\n")
    return Settings(url=url, token_file=str(file), timeout_seconds=1, **more)


def do(settings: Settings, what: str, *arguments: Any, metrics: Metrics | None = None) -> Any:
    """One call of the client."""

    async def doing() -> Any:
        calls = GrafanaClient(settings, metrics or Metrics())
        try:
            return await getattr(calls, what)(*arguments)
        finally:
            await calls.close()

    return asyncio.run(doing())


def failed(settings: Settings, what: str, *arguments: Any) -> GrafanaError:
    with pytest.raises(GrafanaError) as caught:
        do(settings, what, *arguments)
    return caught.value


# --- calls ---


def test_search_goes_through_all_pages(grafana: Grafana, settings: Settings) -> None:
    grafana.dashboards = {f"mm-{n}" for n in range(2 * PAGE + 1)}
    assert do(settings, "dashboard_uids") == grafana.dashboards
    assert grafana.asked == {"GET /api/search": 3}


def test_full_last_page_costs_one_more(grafana: Grafana, settings: Settings) -> None:
    grafana.dashboards = {f"mm-{n}" for n in range(PAGE)}
    assert do(settings, "dashboard_uids") == grafana.dashboards
    assert grafana.asked == {"GET /api/search": 2}


OTHERS = [
    {"uid": "loki", "name": "A", "type": "loki", "isDefault": True},
    {"uid": "b", "name": "B", "type": "prometheus", "isDefault": False},
    {"uid": "a", "name": "AA", "type": "prometheus", "isDefault": False},
]


@pytest.mark.parametrize(
    ("sources", "name"),
    [([stand_in.PROMETHEUS, *OTHERS], "Prometheus"), (OTHERS, "AA")],
    ids=["the default", "the first by name"],
)
def test_data_source_that_panels_ask(grafana: Grafana, settings: Settings, sources: list[Any], name: str) -> None:
    grafana.sources = sources
    assert do(settings, "data_source_health") == (name, "")


def test_no_data_source_is_a_failing_one(grafana: Grafana, settings: Settings) -> None:
    grafana.sources = OTHERS[:1]
    assert "no data source of type prometheus" in do(settings, "data_source_health")[1]


def test_failing_data_source_is_told_in_grafanas_words(grafana: Grafana, settings: Settings) -> None:
    grafana.failing = 'Post "http://p:9090/api/v1/query": dial tcp: lookup p: no such host'
    name, failing = do(settings, "data_source_health")
    assert name == "Prometheus"
    assert failing.endswith(grafana.failing)


def test_named_data_source_needs_no_list(grafana: Grafana, tmp_path: Path) -> None:
    settings = made_settings(grafana.url, tmp_path, data_source="prometheus")
    assert do(settings, "data_source_health") == ("prometheus", "")
    assert grafana.asked == {"GET /api/datasources/uid/prometheus/health": 1}
    missing = made_settings(grafana.url, tmp_path, data_source="other")
    assert "Data source not found" in do(missing, "data_source_health")[1]


def test_wrong_token_is_forbidden_in_grafanas_words_and_never_told(grafana: Grafana, tmp_path: Path) -> None:
    error = failed(made_settings(grafana.url, tmp_path, token="glsa_secret"), "dashboard_uids")  # noqa: S106
    assert error.as_outage().reason == "GrafanaForbidden"
    assert "Invalid API key" in str(error)
    assert "secret" not in str(error)


def test_right_that_is_missing_is_forbidden(grafana: Grafana, settings: Settings) -> None:
    grafana.forbidden = "/api/datasources"
    assert failed(settings, "data_source_health").as_outage().reason == "GrafanaForbidden"


@pytest.mark.parametrize("token", ["", "two words", "new\nline", "ünicode"])
def test_text_that_is_no_token_is_not_sent_and_not_told(grafana: Grafana, tmp_path: Path, token: str) -> None:
    error = failed(made_settings(grafana.url, tmp_path, token=token), "dashboard_uids")
    assert "holds no token" in str(error)
    assert not token or token not in str(error)
    assert not grafana.asked


def test_token_file_that_is_missing(grafana: Grafana, tmp_path: Path) -> None:
    settings = Settings(url=grafana.url, token_file=str(tmp_path / "none"))
    assert "No such file" in str(failed(settings, "dashboard_uids"))


def test_token_may_change(grafana: Grafana, tmp_path: Path) -> None:
    settings = made_settings(grafana.url, tmp_path, token="old")  # noqa: S106

    async def both() -> frozenset[str]:
        calls = GrafanaClient(settings, Metrics())
        with pytest.raises(GrafanaError):
            await calls.dashboard_uids()
        await asyncio.to_thread(Path(settings.token_file).write_text, TOKEN)
        found = await calls.dashboard_uids()
        await calls.close()
        return found

    assert asyncio.run(both()) == {UID}


def test_nobody_listens(tmp_path: Path) -> None:
    error = failed(made_settings(f"http://127.0.0.1:{free_port()}", tmp_path), "dashboard_uids")
    assert error.as_outage().reason == "GrafanaUnreachable"


def test_name_that_does_not_resolve(tmp_path: Path) -> None:
    error = failed(made_settings("http://grafana.invalid", tmp_path), "dashboard_uids")
    assert error.as_outage().reason == "GrafanaUnreachable"


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 200 OK\r\n\r\n<html>", b"\x00" * 99])
def test_what_is_no_grafana_does_not_end_the_operator(tmp_path: Path, greeting: bytes) -> None:
    """Nothing at all, another protocol, a web page: each fails in time, as a call that failed."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        await writer.drain()
        while not greeting and await reader.read(1000):
            pass
        writer.close()

    async def against() -> GrafanaError:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        calls = GrafanaClient(made_settings(url, tmp_path), Metrics())
        try:
            with pytest.raises(GrafanaError) as caught:
                await calls.dashboard_uids()
            return caught.value
        finally:
            await calls.close()
            server.close()

    began = time.monotonic()
    assert asyncio.run(against()).as_outage().reason == "GrafanaUnreachable"
    assert time.monotonic() - began < 3


def test_calls_are_counted_by_outcome(grafana: Grafana, settings: Settings) -> None:
    metrics = Metrics()
    do(settings, "dashboard_uids", metrics=metrics)
    grafana.token = "another"  # noqa: S105
    with pytest.raises(GrafanaError):
        do(settings, "dashboard_uids", metrics=metrics)
    grafana.token, grafana.delay = TOKEN, 3
    with pytest.raises(GrafanaError):
        do(settings, "dashboard_uids", metrics=metrics)
    text = metrics.text().decode()
    for outcome in ("ok", "denied", "timeout"):
        assert f'grafana_requests_total{{call="search",outcome="{outcome}"}} 1.0' in text


def test_loop_turns_while_grafana_hangs(grafana: Grafana, settings: Settings) -> None:
    grafana.delay = 5

    async def turns() -> int:
        calls, turned = GrafanaClient(settings, Metrics()), 0
        hanging = asyncio.ensure_future(calls.dashboard_uids())
        while not hanging.done():
            await asyncio.sleep(0.01)
            turned += 1
        with pytest.raises(GrafanaError):
            await hanging
        await calls.close()
        return turned

    # Counted, not timed: a call that blocks the loop lets it turn once, on any machine.
    assert asyncio.run(turns()) > 3


def test_annotation_is_written_once(grafana: Grafana, settings: Settings) -> None:
    change = VersionChange(KEY, UID, "1", "2", "2026-11-20T10:00:00Z")
    assert do(settings, "annotate", change)
    assert not do(settings, "annotate", change)
    (made,) = grafana.annotations
    assert made["time"] == 1795168800000 == int(datetime(2026, 11, 20, 10, tzinfo=UTC).timestamp() * 1000)
    assert (made["text"], made["dashboardUID"]) == ("version 1 -> 2", UID)
    assert made["tags"] == ["monitored-models", "a/m"]
    assert grafana.asked == {"GET /api/annotations": 2, "POST /api/annotations": 1}


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://g", "http://g/api"),
        ("https://g:3000/", "https://g:3000/api"),
        ("https://g/sub/grafana", "https://g/sub/grafana/api"),
        ("http://[fd00::1]:3000/x/", "http://[fd00::1]:3000/x/api"),
    ],
)
def test_address_of_the_api(tmp_path: Path, url: str, base: str) -> None:
    assert client(made_settings(url, tmp_path), TOKEN).client.url == base


# --- the poller ---


def polling(
    grafana: Grafana, settings: Settings, check: Any, *, seconds: float = 10, **options: Any
) -> tuple[DashboardTracker, list[Key]]:
    """Run a poller until something holds."""
    moved: list[Key] = []

    async def running() -> DashboardTracker:
        clock = asyncio.get_running_loop().time
        dashboards = DashboardTracker(clock, **{"grace": 0, "tolerance": 0, **options})
        dashboards.track_and_evaluate(KEY, UID, None)
        change = VersionChange(KEY, UID, "1", "2", now().strftime("%Y-%m-%dT%H:%M:%SZ"))
        dashboards.enqueue_annotation(change)
        task = asyncio.ensure_future(Poller(settings, dashboards, Metrics(), moved.append).run())
        until = clock() + seconds
        while not check():
            assert not task.done(), task.exception()
            assert clock() < until, grafana.asked
            await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return dashboards

    return asyncio.run(running()), moved


def test_look_moves_a_model_once_and_marks_its_version_once(grafana: Grafana, tmp_path: Path) -> None:
    settings = made_settings(grafana.url, tmp_path, check_seconds=1)
    dashboards, moved = polling(grafana, settings, lambda: grafana.asked["GET /api/search"] >= 3)
    assert moved == [KEY]
    assert len(grafana.annotations) == 1
    assert grafana.asked["POST /api/annotations"] == grafana.asked["GET /api/annotations"] == 1
    assert not len(dashboards.changes)


def test_annotation_waits_for_its_dashboard(grafana: Grafana, tmp_path: Path) -> None:
    grafana.dashboards.clear()
    settings = made_settings(grafana.url, tmp_path, check_seconds=1)
    dashboards, _ = polling(grafana, settings, lambda: grafana.asked["GET /api/search"] >= 2, grace=60)
    assert not grafana.asked["GET /api/annotations"]
    assert len(dashboards.changes) == 1


def test_annotations_that_are_forbidden_leave_the_condition_alone(
    grafana: Grafana, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    grafana.forbidden = "/api/annotations"
    settings = made_settings(grafana.url, tmp_path, check_seconds=1)
    with caplog.at_level(logging.WARNING):
        dashboards, _ = polling(grafana, settings, lambda: "additional permissions" in caplog.text)
    assert dashboards.track_and_evaluate(KEY, UID, None).reason == "Loaded"
    assert len(dashboards.changes) == 1


def test_refused_annotation_is_given_up_after_some_tries(grafana: Grafana, tmp_path: Path) -> None:
    settings = made_settings(grafana.url, tmp_path, check_seconds=1)

    grafana.refuses = True
    dashboards, _ = polling(grafana, settings, lambda: grafana.asked["GET /api/search"] >= 5)
    assert grafana.asked["POST /api/annotations"] == 3
    assert not len(dashboards.changes)


def test_trouble_is_told_and_ends(grafana: Grafana, tmp_path: Path) -> None:
    grafana.token = "other"  # noqa: S105
    settings = made_settings(grafana.url, tmp_path, check_seconds=1)

    def later() -> bool:
        if grafana.asked["GET /api/search"] >= 2:
            grafana.token = TOKEN
        return bool(grafana.annotations)

    dashboards, moved = polling(grafana, settings, later)
    assert dashboards.track_and_evaluate(KEY, UID, None).reason == "Loaded"
    assert moved == [KEY, KEY]  # forbidden, loaded


# --- settings ---


@pytest.mark.parametrize("url", ["http://user:pass@g", "g:3000", "ftp://g", "http://g/?x=1", "http://g/#x", "http://"])
def test_address_with_a_password_or_without_a_scheme_is_refused(url: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump({"grafana": {"url": url, "tokenFile": "/t"}}))
    with pytest.raises(InvalidSettings, match=r"grafana\.url"):
        load(file)


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ({}, ""),
        ({"grafanaUrl": "https://g/"}, "https://g"),
        ({"grafana": {"url": "http://in/x/", "tokenFile": "/t"}}, "http://in/x"),
        ({"grafanaUrl": "https://g", "grafana": {"url": "http://in", "tokenFile": "/t"}}, "https://g"),
    ],
)
def test_base_of_links(given: dict[str, Any], base: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(yaml.safe_dump(given))
    assert load(file).dashboards_url == base
