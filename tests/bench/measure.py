"""What is measured, and how: processes by /proc, the API server by its own metrics, models by one watch."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from monitored_models.kube.client import KubeClient, load_configuration
from monitored_models.naming.kinds import MODEL
from operator_testbed import Bed
from testbed.pages import samples

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Usage:
    """What a process has used so far."""

    cpu: float
    """Seconds."""
    rss: float
    """MiB now."""
    peak: float
    """MiB at most."""


def usage(pid: int) -> Usage:
    """Of a running process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return Usage(
        cpu=(int(fields[11]) + int(fields[12])) / _TICKS,
        rss=int(status["VmRSS"].split()[0]) / 1024,
        peak=int(status["VmHWM"].split()[0]) / 1024,
    )


def api_calls(bed: Bed) -> Counter[str]:
    """Requests that the API server has served, as `VERB resource[/subresource]`, without what it asks of itself."""
    status, text = bed.plane.request("GET", "/metrics", accept="text/plain")
    assert status == 200, text
    counted: Counter[str] = Counter()
    for labels, value in samples(text, "apiserver_request_total"):
        subresource = f"/{labels['subresource']}" if labels["subresource"] else ""
        if labels["resource"] and labels["resource"] not in ("leases", "apiservices"):
            counted[f"{labels['verb']} {labels['resource']}{subresource}"] += int(value)
    return counted


@dataclass
class Progress:
    """Models whose status is for their present generation, and those that are Ready, by one watch."""

    generations: dict[str, int] = field(default_factory=dict)
    ready: set[str] = field(default_factory=set)
    deployed: set[str] = field(default_factory=set)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, event: dict[str, Any]) -> None:
        """Take note of a watch event."""
        body = event["object"]
        if event["type"] not in ("ADDED", "MODIFIED", "DELETED"):
            return
        name, status = f"{body['metadata']['namespace']}/{body['metadata']['name']}", body.get("status", {})
        current = status.get("observedGeneration") == body["metadata"]["generation"]
        ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", ()))
        if event["type"] == "DELETED":
            self.generations.pop(name, None)
            current = ready = False
        elif current:
            self.generations[name] = status["observedGeneration"]
        (self.ready.add if current and ready else self.ready.discard)(name)
        self.changed.set()

    async def until(self, done: Callable[[Progress], bool], seconds: float) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(seconds):
            while not done(self):
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def client(bed: Bed) -> AsyncIterator[KubeClient]:
    """The operator's own client, as an administrator."""
    os.environ["KUBECONFIG"] = str(bed.plane.kubeconfig)
    cluster = KubeClient(await load_configuration())
    try:
        yield cluster
    finally:
        await cluster.close()


@asynccontextmanager
async def watching(cluster: KubeClient) -> AsyncIterator[Progress]:
    """Follow the models while inside; anew when the API server ends the watch of one who was too slow for a moment."""
    progress = Progress()

    async def follow(session: aiohttp.ClientSession) -> None:
        while True:
            version = 0
            async for items, listed in cluster.list_pages(MODEL, None, None):
                version = listed
                for item in items:
                    progress.note({"type": "ADDED", "object": item})
            query = {"watch": "true", "resourceVersion": str(version), "timeoutSeconds": "3600"}
            url = cluster.configuration.host + MODEL.path()
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(url, params=query, headers={"Authorization": await cluster.token()}) as response:
                    async for line in response.content:
                        progress.note(json.loads(line))

    connector = aiohttp.TCPConnector(ssl=cluster.tls)
    unlimited = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=unlimited, read_bufsize=2**21) as session:
        task = asyncio.create_task(follow(session))
        try:
            yield progress
        finally:
            task.cancel()
            await asyncio.wait([task])
