"""kopf's side: watch events of models, profiles, children, pods and Events become "remember this, look at that".

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
"""A Deployment and its pods change many times within moments; they are looked at when that is over."""

log = logging.getLogger(__name__)


class NoDiffBase(kopf.DiffBaseStorage):
    """kopf keeps what it last handled of each object, for handlers of changes; there are none here."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Nothing of an object is worth comparing."""
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """Nothing was kept."""
        return None

    def store(self, **_: Any) -> None:
        """Keep nothing."""


def registry(
    view: ClusterCache, queue: WorkQueue[OwnerKey], served: Collection[Kind], steps: Steps
) -> kopf.OperatorRegistry:
    """Handlers for every kind that the cluster has."""
    made = kopf.OperatorRegistry()
    for kind in watched_kinds(served):
        _watch(made, kind, view, queue, steps)
    return made


def _watch(
    made: kopf.OperatorRegistry, kind: Kind, view: ClusterCache, queue: WorkQueue[OwnerKey], steps: Steps
) -> None:
    async def seen(type: str | None, event: kopf.RawEvent, **_: Any) -> None:
        body = event["object"]  # as it came: kopf's own view of it is slow to walk through
        try:
            with steps.timed("watch_event"):
                keys = update_cache(view, kind, type, body)
        except Exception:
            log.exception("an event of %s %s could not be read", kind.name, body.get("metadata", {}).get("name"))
            return
        enqueue(queue, kind, type, keys)

    kopf.on.event(kind.group, kind.version, kind.plural, id=f"see-{kind.plural}", registry=made)(seen)


def update_cache(view: ClusterCache, kind: Kind, event: str | None, body: Mapping[str, Any]) -> list[OwnerKey]:
    """Put a watch event into the view. Returns what to look at: nothing when nothing changed."""
    return view.forget(kind, body) if event == "DELETED" else view.observe(kind, body)


def enqueue(queue: WorkQueue[OwnerKey], kind: Kind, event: str | None, keys: Iterable[OwnerKey]) -> None:
    """Have models and profiles looked at after an event; without a type it is one of the list that a watch begins with."""
    for key in keys:
        if kind in (DEPLOYMENT, POD) and event in ("ADDED", "MODIFIED"):
            queue.add_after(key, DEBOUNCE_SECONDS)
        else:
            # A profile may be that of thousands of models: what users do to single ones goes before them.
            queue.add(key, routine=event is None or kind in (PROFILE, EVENT))


def operator_settings() -> kopf.OperatorSettings:
    """Kopf's settings for the way it is used here."""
    made = kopf.OperatorSettings()
    made.peering.standalone = True
    made.scanning.disabled = True  # else it lists and watches every CRD of the cluster in full
    made.posting.enabled = False
    made.persistence.diffbase_storage = NoDiffBase()
    made.queueing.idle_timeout = 0.2  # a worker per object would otherwise stay for seconds
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
    """kopf's ways to the cluster: the same that our own client uses, counted like it.

    kopf closes a session while its own tasks may still be using it, when it is told to stop as it starts. So it is
    given sessions that outlive that, and they are closed here.
    """

    def __init__(self, cluster: KubeClient) -> None:
        self._cluster = cluster
        self._sessions: list[SharedSession] = []

    async def log_in(self, **_: object) -> kopf.AiohttpSession:
        """A new session. Asked for anew each time: tokens of service accounts and of login programs expire."""
        for returned in [session for session in self._sessions if session.returned]:
            self._sessions.remove(returned)
            await returned.lent.close()
        token = await self._cluster.token()
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._cluster.tls),
            headers={"Authorization": token} if token else {},
            trace_configs=self._cluster.configuration.trace_configs,
            trust_env=trust_environment(),
        )
        self._sessions.append(SharedSession(session))
        return kopf.AiohttpSession(
            server=self._cluster.configuration.host,
            default_namespace=None,
            aiohttp_session=cast(aiohttp.ClientSession, self._sessions[-1]),
        )

    async def close(self) -> None:
        """Close everything. Only when kopf has ended."""
        for session in self._sessions:
            await session.lent.close()


class SharedSession:
    """A session that is not closed by the one who borrows it."""

    def __init__(self, lent: aiohttp.ClientSession) -> None:
        self.lent, self.returned = lent, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.lent, name)

    async def close(self) -> None:
        """Take note that it is no longer needed."""
        self.returned = True
