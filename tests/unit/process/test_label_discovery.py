"""Reading selectors: when it is repeated, what stays after a failure, and what is logged and exported."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from typing import Any, cast

import pytest

from monitored_models.kube.client import KubeClient
from monitored_models.kube.errors import ApiError
from monitored_models.naming.kinds import ALERTMANAGER, PROMETHEUS, SELECTING_KINDS, Kind
from monitored_models.process.label_discovery import START_RETRY_SECONDS, LabelDiscovery
from monitored_models.settings import Settings
from monitored_models.telemetry.operator_metrics import SelectorCollector
from unit.specs import JSON

FORBIDDEN = ApiError(403, "Forbidden", "prometheuses is forbidden")
DOWN = ApiError(500, "InternalError", "request 17 failed")


class Cluster:
    """An API server with one Prometheus, whose lists of some kinds fail."""

    def __init__(self) -> None:
        self.lists: list[Kind] = []
        self.namespaces: list[str | None] = []
        self.errors: dict[Kind, ApiError] = {}
        self.cluster_wide_error: ApiError | None = None
        self.release = "kps"

    async def list_pages(self, kind: Kind, namespace: str | None, *_: Any) -> AsyncIterator[tuple[list[JSON], int]]:
        self.lists.append(kind)
        self.namespaces.append(namespace)
        if namespace is None and self.cluster_wide_error:
            raise self.cluster_wide_error
        if error := self.errors.get(kind):
            raise error
        spec = {
            "serviceMonitorSelector": {"matchLabels": {"release": self.release}},
            "serviceMonitorNamespaceSelector": {},
        }
        body = {"metadata": {"namespace": "monitoring", "name": "kps"}, "spec": spec}
        yield [body] if kind is PROMETHEUS and namespace in (None, "monitoring") else [], 20


def discovery(
    cluster: Cluster,
    served: Collection[Kind] = SELECTING_KINDS,
    collector: SelectorCollector | None = None,
    **settings: Any,
) -> LabelDiscovery:
    client = cast(KubeClient, cluster)
    return LabelDiscovery(client, served, Settings(**settings), collector or SelectorCollector())


def release(found: LabelDiscovery) -> str | None:
    return dict(found.labels("risk").service_monitor_labels).get("release")


def refresh(found: LabelDiscovery) -> None:
    asyncio.run(found.refresh())


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that are slept, without sleeping."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return slept


def test_each_kind_that_the_cluster_serves_is_listed_once_at_the_start(naps: list[float]) -> None:
    cluster = Cluster()
    found = discovery(cluster, served=(PROMETHEUS, ALERTMANAGER))
    asyncio.run(found.start())
    assert sorted(cluster.lists, key=SELECTING_KINDS.index) == [PROMETHEUS, ALERTMANAGER]
    assert release(found) == "kps"
    assert naps == []


def test_nothing_is_read_where_labels_are_configured(naps: list[float]) -> None:
    cluster = Cluster()
    found = discovery(cluster, labels="configured")
    asyncio.run(found.start())
    assert (cluster.lists, naps, release(found)) == ([], [], None)


def test_start_waits_a_moment_for_a_list_that_fails_and_then_goes_on(naps: list[float]) -> None:
    cluster = Cluster()
    cluster.errors[PROMETHEUS] = DOWN
    found = discovery(cluster)
    asyncio.run(found.start())
    assert tuple(naps) == START_RETRY_SECONDS
    assert release(found) is None
    del cluster.errors[PROMETHEUS]
    refresh(found)
    assert release(found) == "kps"


def test_start_does_not_wait_for_a_right(naps: list[float]) -> None:
    cluster = Cluster()
    cluster.errors = dict.fromkeys(SELECTING_KINDS, FORBIDDEN)
    asyncio.run(discovery(cluster).start())
    assert naps == []
    assert len(cluster.lists) == len(SELECTING_KINDS)


def test_right_in_the_served_namespaces_is_enough_for_what_they_hold() -> None:
    cluster, collector = Cluster(), SelectorCollector()
    cluster.cluster_wide_error = FORBIDDEN
    found = discovery(cluster, served=(PROMETHEUS,), collector=collector, namespaces=("risk", "monitoring"))
    refresh(found)
    assert cluster.namespaces == [None, "risk", "monitoring"]
    assert release(found) == "kps"
    assert ("Prometheus", "", "", "", "ServedNamespacesOnly") in collector.rows
    refresh(found)
    assert cluster.namespaces[3:] == ["risk", "monitoring"], "what is forbidden is not tried again"
    cluster.errors[PROMETHEUS] = FORBIDDEN
    refresh(found)
    assert release(found) == "kps"
    assert ("Prometheus", "", "", "", "Forbidden") in collector.rows


@pytest.mark.parametrize("error", [FORBIDDEN, DOWN], ids=lambda error: error.reason)
def test_labels_stay_while_the_list_fails(error: ApiError) -> None:
    cluster = Cluster()
    found = discovery(cluster)
    refresh(found)
    before = found.selections
    cluster.errors[PROMETHEUS] = error
    refresh(found)
    assert found.selections is before
    assert release(found) == "kps"


def test_only_a_change_is_another_choice() -> None:
    cluster = Cluster()
    found = discovery(cluster)
    refresh(found)
    before = found.selections
    refresh(found)
    assert found.selections is before
    cluster.release = "new"
    refresh(found)
    assert found.selections is not before
    assert release(found) == "new"


def test_each_finding_is_logged_once_and_exported(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    cluster, collector = Cluster(), SelectorCollector()
    found = discovery(cluster, served=(PROMETHEUS, ALERTMANAGER), collector=collector)
    cluster.errors[ALERTMANAGER] = FORBIDDEN
    for _ in range(3):
        refresh(found)
    assert {(record.levelname, record.__dict__["reason"]) for record in caplog.records} == {
        ("INFO", "Selected"),
        ("INFO", "SelectsNothing"),
        ("WARNING", "Forbidden"),
        ("INFO", "CRDNotInstalled"),
    }
    assert len(caplog.records) == 4
    assert set(collector.rows) == {
        ("Prometheus", "monitoring", "kps", "ServiceMonitor", "Selected"),
        ("Prometheus", "monitoring", "kps", "PrometheusRule", "SelectsNothing"),
        ("PrometheusAgent", "", "", "", "CRDNotInstalled"),
        ("Alertmanager", "", "", "", "Forbidden"),
    }
    (family,) = collector.collect()
    assert len(family.samples) == 4


def test_error_whose_text_varies_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    cluster = Cluster()
    found = discovery(cluster)
    for number in range(3):
        cluster.errors[ALERTMANAGER] = ApiError(0, "ClientError", f"port {number} refused")
        refresh(found)
    assert [record.__dict__["reason"] for record in caplog.records if record.levelno >= logging.WARNING] == [
        "ClientError"
    ]
