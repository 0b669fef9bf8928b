"""The status writer by itself: what it writes, when, and what it leaves for later."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

import pytest

from monitored_models.cache.cluster_cache import ClusterCache
from monitored_models.kube.client import KubeClient
from monitored_models.kube.errors import ApiError
from monitored_models.naming.keys import Key
from monitored_models.naming.kinds import MODEL
from monitored_models.reconcile.status_writer import COUNTS_DEBOUNCE, IMMEDIATELY, STATUS_DEBOUNCE, StatusWriter

KEY = Key("risk", "churn")
JSON = dict[str, Any]


def status(ready: str = "True", *, message: str = "", replicas: str = "1/1", generation: int = 1) -> JSON:
    """A status as `build_status` gives it, with one condition."""
    condition = {"type": "Ready", "status": ready, "reason": "Ready" if ready == "True" else "PodsNotReady"}
    return {
        "observedGeneration": generation,
        "readyReplicasText": replicas,
        "conditions": [{**condition, "message": message, "lastTransitionTime": "2026-01-01T00:00:00Z"}],
    }


class Api:
    """Stores statuses, or fails; `generation` is that of the model when the status arrives."""

    def __init__(self) -> None:
        self.statuses: list[JSON] = []
        self.events: list[JSON] = []
        self.generation = 1
        self.error: ApiError | None = None
        self.event_error: ApiError | None = None

    async def apply_status(self, _namespace: str, _name: str, _uid: str, body: JSON) -> JSON:
        if self.error:
            raise self.error
        self.statuses.append(body)
        return model(2 + len(self.statuses), self.generation, body)

    async def create_event(self, _namespace: str, event: JSON) -> None:
        if self.event_error:
            raise self.event_error
        self.events.append(event)


def model(version: int = 1, generation: int = 1, status: JSON | None = None) -> JSON:
    metadata = {"name": KEY.name, "namespace": KEY.namespace, "uid": "u", "generation": generation}
    return {"metadata": {**metadata, "resourceVersion": f"{version}"}, "spec": {}, "status": status or {}}


class Setup:
    """A writer with a clock that the test sets."""

    def __init__(self, stored: JSON | None = None) -> None:
        self.now, self.api, self.cache = 1000.0, Api(), ClusterCache()
        self.cache.observe(MODEL, model(status=stored))
        self.writer = StatusWriter(self.cache, cast(KubeClient, self.api), lambda: self.now)

    def write(self, new: JSON) -> float | None:
        observed = self.cache.model(KEY)
        assert observed is not None
        return asyncio.run(self.writer.write(observed, observed.stored_status(), new))


def test_new_status_is_written_cached_and_announced() -> None:
    setup = Setup()
    assert setup.write(status()) is None
    assert setup.api.statuses == [status()]
    cached = setup.cache.model(KEY)
    assert cached is not None
    assert cached.stored_status() == status()
    assert [event["reason"] for event in setup.api.events] == ["Ready"]


def test_same_status_is_not_written() -> None:
    setup = Setup(status())
    assert setup.write(status()) is None
    assert (setup.api.statuses, setup.api.events) == ([], [])


def test_first_write_of_a_process_does_not_wait() -> None:
    setup = Setup(status())
    assert setup.write(status("False")) is None
    assert len(setup.api.statuses) == 1


@pytest.mark.parametrize(
    ("second", "wait"),
    [
        (status("False"), STATUS_DEBOUNCE),
        (status(replicas="2/2"), COUNTS_DEBOUNCE),
        (status(message="other words"), COUNTS_DEBOUNCE),
    ],
    ids=["condition", "counts", "message"],
)
def test_second_write_waits_for_what_may_follow(second: JSON, wait: float) -> None:
    setup = Setup()
    setup.write(status())
    setup.now += 1
    assert setup.write(second) == pytest.approx(wait - 1)
    assert len(setup.api.statuses) == 1
    setup.now += wait - 1
    assert setup.write(second) is None
    assert setup.api.statuses[1:] == [second]


def test_new_generation_is_reported_at_once() -> None:
    setup = Setup()
    setup.write(status())
    setup.api.generation = 2
    setup.cache.observe(MODEL, model(50, 2, status()))
    assert setup.write(status(generation=2)) is None
    assert len(setup.api.statuses) == 2


def test_edit_that_arrives_with_the_response_requeues_the_model() -> None:
    setup = Setup()
    setup.api.generation = 2
    assert setup.write(status()) == IMMEDIATELY


def test_failed_write_counts_as_none() -> None:
    setup = Setup()
    setup.api.error = ApiError(500, "InternalError", "etcd")
    with pytest.raises(ApiError):
        setup.write(status())
    setup.api.error = None
    assert setup.write(status()) is None  # at once, not after the debounce
    assert len(setup.api.statuses) == 1


def test_event_that_cannot_be_created_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    setup = Setup()
    setup.api.event_error = ApiError(403, "Forbidden", "cannot create resource events")
    with caplog.at_level(logging.WARNING):
        assert setup.write(status()) is None
    assert "event not posted" in caplog.text


def test_model_of_the_same_name_as_a_deleted_one_does_not_wait_for_its_debounce() -> None:
    setup = Setup()
    setup.write(status())
    setup.writer.forget(KEY)
    assert setup.write(status("False")) is None
    assert len(setup.api.statuses) == 2
