"""The load: models by the thousand, written at the operator's own concurrency; and the bare loop to compare with.

The bare loop is the least that can be done: nobody watches, decides or compares anything. It uses the operator's own
client, so that what differs is the operator's work and not a library.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from monitored_models.api import Model, parse
from monitored_models.kube.client import KubeClient
from monitored_models.naming.kinds import CHILDREN, MODEL
from monitored_models.plan.desired_state import summarize
from monitored_models.render.children import render
from monitored_models.settings import Settings
from monitored_models.status.build import build_status
from monitored_models.status.status_input import StatusInput

CONCURRENCY = Settings().workers
NAMESPACES = 10
_KINDS = {kind.name: kind for kind in CHILDREN}
Object = dict[str, Any]


def namespaces() -> list[str]:
    """Where the models live."""
    return [f"bench-{number}" for number in range(NAMESPACES)]


def models(count: int, prefix: str = "model") -> list[Object]:
    """So many models like examples/minimal.yaml."""
    return [
        {
            "apiVersion": MODEL.api_version,
            "kind": MODEL.name,
            "metadata": {"name": f"{prefix}-{number}", "namespace": f"bench-{number % NAMESPACES}"},
            "spec": {"model": {"version": "1"}, "image": "registry.example.com/churn:1"},
        }
        for number in range(count)
    ]


async def at_once(work: Iterable[Callable[[], Awaitable[object]]]) -> None:
    """Do all of it, as many at a time as the operator has workers."""
    queue = iter(work)

    async def worker() -> None:
        for do in queue:
            await do()

    async with asyncio.TaskGroup() as group:
        for _ in range(CONCURRENCY):
            group.create_task(worker())


async def create(cluster: KubeClient, bodies: Iterable[Object]) -> None:
    """Create models, as a user would."""
    await at_once(
        partial(cluster.request, "POST", MODEL.path(body["metadata"]["namespace"]), body=body) for body in bodies
    )


async def change(cluster: KubeClient, bodies: Iterable[Object]) -> None:
    """Change one field of every model."""
    patch = {"spec": {"env": [{"name": "MODE", "value": "fast"}]}}

    async def one(body: Object) -> None:
        path = MODEL.path(body["metadata"]["namespace"], body["metadata"]["name"])
        await cluster.request("PATCH", path, body=patch, content_type="application/merge-patch+json")

    await at_once(partial(one, body) for body in bodies)


def prepare(bodies: list[Object]) -> list[tuple[Object, list[Object], Object]]:
    """What the bare loop writes: model, children and status, all but the uid."""
    return [_prepared(body) for body in bodies]


async def bare(cluster: KubeClient, prepared: list[tuple[Object, list[Object], Object]]) -> None:
    """The bare loop over what was prepared."""
    await at_once(partial(_bare, cluster, *each) for each in prepared)


def _prepared(body: Object) -> tuple[Object, list[Object], Object]:
    parsed = parse({**body, "metadata": {**body["metadata"], "uid": "placeholder", "generation": 1}})
    assert isinstance(parsed, Model)
    children = copy.deepcopy(render(parsed, Settings(), 1))
    status = build_status(StatusInput(summarize(parsed, children), None, (), ()), {}, "2026-01-01T00:00:00Z")
    return body, children, status


async def _bare(cluster: KubeClient, body: Object, children: list[Object], status: Object) -> None:
    namespace, name = body["metadata"]["namespace"], body["metadata"]["name"]
    made = await cluster.request("POST", MODEL.path(namespace), body=body)
    uid = made["metadata"]["uid"]
    for child in children:
        child["metadata"]["ownerReferences"][0]["uid"] = uid
        await cluster.apply(_KINDS[child["kind"]], child, None)
    await cluster.apply_status(namespace, name, uid, status)
