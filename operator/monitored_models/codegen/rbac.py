"""The operator's permissions, generated from the kinds that it reads and writes: `config/rbac.yaml`, the chart, a table.

`python -m testbed.used_rights` fails for a permission that no test uses.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..naming.kinds import (
    CHILDREN,
    EVENT,
    LEASE,
    MODEL,
    POD,
    PROFILE,
    SELECTING_KINDS,
    SUBJECT_ACCESS_REVIEW,
    TOKEN_REVIEW,
    Kind,
)
from .yaml_text import dump_all

NAME = "monitored-models-operator"
READ = ("get", "list", "watch")
Rule = dict[str, Any]


@dataclass(frozen=True)
class Permission:
    """Verbs on some kinds, or on a subresource of them, and what the operator needs them for."""

    kinds: tuple[Kind, ...]
    verbs: tuple[str, ...]
    purpose: str
    subresource: str = ""

    def rules(self) -> Iterator[Rule]:
        """A rule for each API group."""
        groups: dict[str, list[str]] = defaultdict(list)
        for kind in self.kinds:
            groups[kind.group].append(f"{kind.plural}/{self.subresource}" if self.subresource else kind.plural)
        for group, resources in groups.items():
            yield _rule(group, resources, self.verbs)


PERMISSIONS = (
    Permission(
        (MODEL, PROFILE), READ, "what users ask for; `get`: whether the owner of children that disappear still exists"
    ),
    Permission((MODEL,), ("patch",), "conditions", "status"),
    Permission(
        (MODEL, PROFILE),
        ("update",),
        "to set `blockOwnerDeletion` in children, where the admission plugin `OwnerReferencesPermissionEnforcement` is enabled",
        "finalizers",
    ),
    Permission(
        CHILDREN,
        (*READ, "create", "patch", "delete"),
        "children; `get`: whose an object of the same name is; `delete`: children that are no longer desired, and, where that "
        "plugin is enabled, to restore an owner reference",
    ),
    Permission(SELECTING_KINDS, ("list",), "the labels that their selectors require, with `labels: auto`"),
    Permission((POD,), ("list", "watch"), "why pods do not run or are not ready"),
    Permission(
        (EVENT,),
        ("list", "watch", "create"),
        "its own Events, and those in which prometheus-operator rejects an AlertmanagerConfig",
    ),
)
"""In the namespaces that the operator serves: no Secrets, no wildcards, no exec, no permissions on permissions."""
LEASE_PERMISSION = Permission((LEASE,), ("get", "create", "update"), "leader election")
"""In the operator's own namespace."""
OPTIONAL_PERMISSIONS: dict[str, tuple[Permission, ...]] = {
    "metrics.authentication": (
        Permission((TOKEN_REVIEW,), ("create",), "who sends a token to `/metrics`"),
        Permission((SUBJECT_ACCESS_REVIEW,), ("create",), "whether that user may read `/metrics`"),
    )
}
"""In the cluster, for features that not everyone uses, by the value of the chart that enables the feature."""


def rules() -> list[Rule]:
    """What the operator may do in the namespaces that it serves."""
    return _rules(PERMISSIONS)


def lease_rules() -> list[Rule]:
    """What it may do in its own namespace."""
    return _rules((LEASE_PERMISSION,))


def optional_rules() -> dict[str, list[Rule]]:
    """What it may do in the cluster for a feature, by the feature."""
    return {feature: _rules(permissions) for feature, permissions in OPTIONAL_PERMISSIONS.items()}


def user_rules() -> dict[str, list[Rule]]:
    """What people may do with models and profiles, by the cluster role to which it is added."""
    both = (MODEL.plural, PROFILE.plural)
    view = [_rule(MODEL.group, both, READ), _rule(MODEL.group, (f"{MODEL.plural}/status",), ("get",))]
    scale = _rule(MODEL.group, (f"{MODEL.plural}/scale",), ("get", "patch", "update"))
    edit = [_rule(MODEL.group, both, ("create", "delete", "deletecollection", "patch", "update")), scale]
    return {"view": view, "edit": edit, "admin": edit}


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


_BLOCK = re.compile(r"(<!-- generated: permissions -->\n).*?(<!-- end -->)", re.DOTALL)


def security_page(page: str) -> str:
    """docs/security.md with its table of permissions filled. Raises ValueError if the page has no place for it."""
    filled, count = _BLOCK.subn(lambda block: f"{block[1]}\n{permissions_table()}\n\n{block[2]}", page)
    if count != 1:
        raise ValueError("docs/security.md needs one block `<!-- generated: permissions -->`")
    return filled


def permissions_table() -> str:
    """Every permission of the operator: where, on what, which verbs, and what for."""
    rows = [
        *(("namespaces that it serves", permission) for permission in PERMISSIONS),
        ("its own namespace", LEASE_PERMISSION),
        *((f"cluster, with `{value}`", each) for value, several in OPTIONAL_PERMISSIONS.items() for each in several),
    ]
    return "\n".join(
        [
            "| where | resources | verbs | what for |",
            "|---|---|---|---|",
            *(f"| {where} | {_resources(each)} | {', '.join(each.verbs)} | {each.purpose} |" for where, each in rows),
        ]
    )


def _resources(permission: Permission) -> str:
    """The resources of a permission as kubectl writes them: `resource.group/subresource`."""
    names = (f"{kind.plural}.{kind.group}" if kind.group else kind.plural for kind in permission.kinds)
    return ", ".join(f"`{name}/{permission.subresource}`" if permission.subresource else f"`{name}`" for name in names)


def _rules(permissions: Iterable[Permission]) -> list[Rule]:
    return [rule for permission in permissions for rule in permission.rules()]


def _rule(group: str, resources: Iterable[str], verbs: Iterable[str]) -> Rule:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}


def _object(kind: str, metadata: dict[str, str], **content: Any) -> dict[str, Any]:
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata, **content}


def _reference(kind: str) -> dict[str, str]:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": NAME}
