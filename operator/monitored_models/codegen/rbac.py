"""The operator's permissions, generated from the kinds that it reads and writes: `config/rbac.yaml` and the chart."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ..naming.kinds import CHILDREN, EVENT, LEASE, MODEL, POD, PROFILE, Kind
from .yaml_text import dump_all

NAME = "monitored-models-operator"
READ = ("get", "list", "watch")
WRITE = (*READ, "create", "patch", "delete")
LEASE_VERBS = ("get", "create", "update")
Rule = dict[str, Any]


def rules() -> list[Rule]:
    """What the operator may do in the namespaces that it serves: no Secrets, no wildcards, no exec, no rights on rights."""
    return [
        _rule(MODEL.group, (MODEL.plural, PROFILE.plural), READ),
        _rule(MODEL.group, (f"{MODEL.plural}/status",), ("get", "patch")),
        # To set blockOwnerDeletion where the cluster requires it.
        _rule(MODEL.group, (f"{MODEL.plural}/finalizers", f"{PROFILE.plural}/finalizers"), ("update",)),
        *(_rule(group, plurals, WRITE) for group, plurals in _by_group(CHILDREN)),
        _rule(POD.group, (POD.plural,), READ),
        # Its own Events, and those in which prometheus-operator rejects an AlertmanagerConfig.
        _rule(EVENT.group, (EVENT.plural,), (*READ, "create")),
    ]


def lease_rules() -> list[Rule]:
    """What it may do in its own namespace: lead."""
    return [_rule(LEASE.group, (LEASE.plural,), LEASE_VERBS)]


def user_rules() -> dict[str, list[Rule]]:
    """What people may do with models and profiles, by the cluster role to which it is added."""
    both = (MODEL.plural, PROFILE.plural)
    view = _rule(MODEL.group, (*both, f"{MODEL.plural}/status"), READ)
    scale = _rule(MODEL.group, (f"{MODEL.plural}/scale",), ("get", "patch", "update"))
    edit = _rule(MODEL.group, both, ("create", "delete", "deletecollection", "patch", "update"))
    return {"view": [view], "edit": [edit, scale], "admin": [edit, scale]}


def rbac_manifests() -> str:
    """`config/rbac.yaml`: for those who install without Helm."""
    namespace = "monitored-models"
    subjects = [{"kind": "ServiceAccount", "name": namespace, "namespace": namespace}]
    objects = [
        _object("ClusterRole", {"name": NAME}, rules=rules()),
        _object("ClusterRoleBinding", {"name": NAME}, roleRef=_reference("ClusterRole"), subjects=subjects),
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        _object("Role", {"name": NAME, "namespace": namespace}, rules=lease_rules()),
        _object("RoleBinding", {"name": NAME, "namespace": namespace}, roleRef=_reference("Role"), subjects=subjects),
    ]
    header = (
        "# Generated from operator/monitored_models/codegen/rbac.py by `make generate`: what the operator may do, and nothing\n"
        "# more. Bind it to whatever identity runs `mmctl run`; the bindings below are for a ServiceAccount of that name.\n"
    )
    return header + dump_all(objects)


def _by_group(kinds: tuple[Kind, ...]) -> list[tuple[str, tuple[str, ...]]]:
    found: dict[str, list[str]] = defaultdict(list)
    for kind in kinds:
        found[kind.group].append(kind.plural)
    return [(group, tuple(plurals)) for group, plurals in found.items()]


def _rule(group: str, resources: tuple[str, ...], verbs: tuple[str, ...]) -> Rule:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


def _object(kind: str, metadata: dict[str, str], **content: Any) -> dict[str, Any]:
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata, **content}


def _reference(kind: str) -> dict[str, str]:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": NAME}
