"""How a cluster would change if a model of a file were applied: the operator's own comparison, as a unified diff."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import yaml

from ..api import Model, MonitoringProfile, ProfileSpec
from ..cache.children import observed_child
from ..kube import applied_fields
from ..kube.client import KubeClient
from ..naming import labels
from ..naming.kinds import CHILDREN, DEPLOYMENT, MODEL, NOTIFICATION_KINDS, PROFILE, SELECTING_KINDS, Kind
from ..process.label_discovery import LabelDiscovery
from ..render.children import Child, render, render_profile
from ..render.workload.replicas import replicas
from ..settings import Settings
from ..telemetry.operator_metrics import SelectorCollector

Live = dict[tuple[Kind, str], dict[str, Any]]
"""Children in the cluster, by kind and name."""


async def diff_model(model: Model, settings: Settings, client: KubeClient) -> str:
    """A unified diff of the fields that the operator owns, live against rendered; empty if nothing would change."""
    stored = await client.get(MODEL.path(model.namespace, model.name))
    owned = replace(model, uid=stored["metadata"]["uid"] if stored else "")
    live = await _live(client, owned.namespace, labels.selector_text(owned), CHILDREN)
    deployment = live.get((DEPLOYMENT, owned.name))
    scale = observed_child(DEPLOYMENT, deployment).scale if deployment else None
    return _difference(owned.namespace, live, render(owned, settings, replicas(owned, scale)))


async def diff_profile(profile: MonitoringProfile, settings: Settings, client: KubeClient) -> str:
    """The same for the children of a MonitoringProfile."""
    stored = await client.get(PROFILE.path(profile.namespace, profile.name))
    owned = replace(profile, uid=stored["metadata"]["uid"] if stored else "")
    selector = f"{labels.PROFILE}={labels.profiles(owned)[labels.PROFILE]}"
    live = await _live(client, owned.namespace, selector, NOTIFICATION_KINDS)
    return _difference(owned.namespace, live, render_profile(owned, settings))


def _difference(namespace: str, live: Live, rendered: Sequence[Child]) -> str:
    wanted = {(_kind(child), child["metadata"]["name"]): child for child in rendered}
    parts: list[str] = []
    for kind, name in sorted(wanted.keys() | live.keys(), key=lambda k: (CHILDREN.index(k[0]), k[1])):
        before = applied_fields.owned_fields_of(live[kind, name]) if (kind, name) in live else None
        after = applied_fields.rendered_fields(wanted[kind, name]) if (kind, name) in wanted else None
        parts += _unified(f"{kind.name}/{namespace}/{name}", before, after)
    return "".join(parts)


async def settings_by_namespace(settings: Settings, client: KubeClient) -> Callable[[str], Settings]:
    """The settings that the operator uses for a namespace, with the labels that selectors in the cluster require."""
    found = LabelDiscovery(client, await client.served_kinds(SELECTING_KINDS), settings, SelectorCollector())
    await found.refresh()
    return lambda namespace: settings.with_found(found.labels(namespace))


async def stored_profile(client: KubeClient, namespace: str, name: str) -> ProfileSpec | None:
    """A MonitoringProfile in the cluster; None if none of that name exists, or the cluster does not serve the kind."""
    stored = await client.get(PROFILE.path(namespace, name))
    return ProfileSpec(name, stored.get("spec", {})) if stored else None


async def _live(client: KubeClient, namespace: str, selector: str, kinds: Sequence[Kind]) -> Live:
    """Children in the cluster, found by label, so that those which a change would switch off are included."""
    found: Live = {}
    served = await client.served_kinds(kinds)
    for kind in (kind for kind in kinds if kind in served):
        async for items, _ in client.list_pages(kind, namespace, selector):
            found.update(((kind, body["metadata"]["name"]), body) for body in items)
    return found


def _kind(child: dict[str, Any]) -> Kind:
    return next(kind for kind in CHILDREN if kind.name == child["kind"])


def _unified(title: str, before: Any, after: Any) -> Iterator[str]:
    def lines(part: Any) -> list[str]:
        return yaml.safe_dump(part, sort_keys=True, width=160).splitlines(keepends=True) if part else []

    return difflib.unified_diff(lines(before), lines(after), fromfile=f"live/{title}", tofile=f"wanted/{title}")
