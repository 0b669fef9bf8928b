"""kopf watches: events of models, profiles, children, pods and Events update the cache and enqueue keys.

Low-level handlers only. kopf writes nothing to our objects: no annotation, no finalizer, no index. Handlers never call
the API server and never raise.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Any, cast

import aiohttp
import kopf

from ..base.step_timer import Steps
from ..cache.cluster_cache import ClusterCache
from ..kube.client import KubeClient, trust_environment
from ..naming.keys import OwnerKey
from ..naming.kinds import DEPLOYMENT, EVENT, POD, PROFILE, WATCHED, Kind, watched_kinds
from ..reconcile.workqueue import WorkQueue
from .resync import selectors

DEBOUNCE_SECONDS = 0.25
"""Delay until a reconcile, because a Deployment and its pods change many times in quick succession."""

log = logging.getLogger(__name__)


class NoDiffBase(kopf.DiffBaseStorage):
    """Stores nothing: kopf keeps the last state of each object for change handlers only, and none are registered."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """An empty essence: no part of an object is compared."""
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """None: nothing was stored."""
        return None

    def store(self, **_: Any) -> None:
        """Store nothing."""


def registry(
    cache: ClusterCache, queue: WorkQueue[OwnerKey], served: Collection[Kind], steps: Steps
) -> kopf.OperatorRegistry:
    """Event handlers for every watched kind that the cluster serves."""
    made = kopf.OperatorRegistry()
    for kind in watched_kinds(served):
        _watch(made, kind, cache, queue, steps)
    return made


def _watch(
    kopf_registry: kopf.OperatorRegistry, kind: Kind, cache: ClusterCache, queue: WorkQueue[OwnerKey], steps: Steps
) -> None:
    async def seen(type: str | None, event: kopf.RawEvent, **_: Any) -> None:
        body = event["object"]  # the raw object: kopf's wrapper of it is slow to traverse
        try:
            with steps.timed("watch_event"):
                keys = update_cache(cache, kind, type, body)
        except Exception:
            log.exception("an event of %s %s could not be read", kind.name, body.get("metadata", {}).get("name"))
            return
        enqueue(queue, kind, type, keys)

    kopf.on.event(kind.group, kind.version, kind.plural, id=f"see-{kind.plural}", registry=kopf_registry)(seen)


def update_cache(cache: ClusterCache, kind: Kind, event: str | None, body: Mapping[str, Any]) -> list[OwnerKey]:
    """Put a watch event into the cache. Returns the keys to reconcile: none if nothing changed."""
    return cache.forget(kind, body) if event == "DELETED" else cache.observe(kind, body)


def enqueue(queue: WorkQueue[OwnerKey], kind: Kind, event: str | None, keys: Iterable[OwnerKey]) -> None:
    """Enqueue models and profiles after an event; one without a type comes from the list that a watch begins with."""
    for key in keys:
        if kind in (DEPLOYMENT, POD) and event in ("ADDED", "MODIFIED"):
            queue.add_after(key, DEBOUNCE_SECONDS)
        else:
            # Thousands of models may use one profile: what users do to single models goes first.
            queue.add(key, routine=event is None or kind in (PROFILE, EVENT))


def operator_settings() -> kopf.OperatorSettings:
    """Kopf's settings for this operator."""
    made = kopf.OperatorSettings()
    made.peering.standalone = True
    # Else kopf kills the process ten minutes after it has ended by itself, as it does when a kind is removed.
    made.process.ultimate_exiting_timeout = None
    made.scanning.disabled = True  # otherwise kopf lists and watches every CRD of the cluster in full
    made.posting.enabled = False
    made.persistence.diffbase_storage = NoDiffBase()
    made.queueing.idle_timeout = 0.2  # otherwise a worker per object stays for seconds
    made.watching.chunk_size = 50  # kopf reads a page in one step
    made.watching.server_timeout = 240
    made.networking.connect_timeout = 10
    made.networking.request_timeout = 60
    for kind in WATCHED:
        by_label, by_field = selectors(kind)
        if by_label:
            made.watching.label_selectors[kind.group, kind.version, kind.plural] = by_label
        if by_field:
            made.watching.field_selectors[kind.group, kind.version, kind.plural] = by_field
    return made


class SessionPool:
    """Sessions of kopf to the API server, configured and counted like those of our own client.

    If kopf is stopped while it starts, it closes a session that its own tasks may still use. So it gets sessions that
    outlive that, and they are closed here.
    """

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._sessions: list[SharedSession] = []

    async def log_in(self, **_: object) -> kopf.AiohttpSession:
        """A new session with a fresh token: tokens of service accounts and of login programs expire."""
        for returned in [session for session in self._sessions if session.returned]:
            self._sessions.remove(returned)
            await returned.lent.close()
        token = await self._client.token()
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._client.tls),
            headers={"Authorization": token} if token else {},
            trace_configs=self._client.configuration.trace_configs,
            trust_env=trust_environment(),
        )
        self._sessions.append(SharedSession(session))
        return kopf.AiohttpSession(
            server=self._client.configuration.host,
            default_namespace=None,
            aiohttp_session=cast(aiohttp.ClientSession, self._sessions[-1]),
        )

    async def close(self) -> None:
        """Close all sessions. Call only when kopf has ended."""
        for session in self._sessions:
            await session.lent.close()


class SharedSession:
    """A session that its borrower does not close."""

    def __init__(self, lent: aiohttp.ClientSession) -> None:
        self.lent, self.returned = lent, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.lent, name)

    async def close(self) -> None:
        """Mark the session as no longer needed."""
        self.returned = True
