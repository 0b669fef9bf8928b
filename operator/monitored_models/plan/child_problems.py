"""Why a child is not in its desired state: each problem with its reason and a message with a way out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus

from ..kube.errors import ApiError
from ..naming.conditions import Reason
from ..naming.keys import Key, OwnerKey
from ..naming.kinds import GRAFANA_DASHBOARD, NOTIFICATION_KINDS, Kind

_MISSING_RIGHT = re.compile(r"cannot \w+ resource|a resource you can't (?:delete|set finalizers on)")
"""How RBAC and OwnerReferencesPermissionEnforcement report a missing permission; quotas and policies answer 403 as well."""


@dataclass(frozen=True)
class ChildProblem:
    """Why a child is not in its desired state: a stable reason, and a message with a way out."""

    kind: Kind
    reason: str
    message: str


def owner_noun(key: OwnerKey) -> str:
    """The noun for the owner of a child in messages."""
    return "model" if isinstance(key, Key) else "profile"


def crd_missing(kind: Kind) -> ChildProblem:
    """The problem that the cluster does not serve the kind."""
    if kind is GRAFANA_DASHBOARD:
        ways = "install grafana-operator, or leave the operator's setting grafanaOperator out"
    else:
        instead = (
            "remove the notifications" if kind in NOTIFICATION_KINDS else "set spec.monitoring.scrape.enabled to false"
        )
        ways = f"install the CRDs of prometheus-operator 0.85 or later, or {instead}"
    return ChildProblem(kind, Reason.CRD_NOT_INSTALLED, f"this cluster has no {kind.plural}.{kind.group}: {ways}")


def name_conflict(kind: Kind, name: str, owner: str = "model") -> ChildProblem:
    """The problem that an object of this name exists and has another owner; it is left alone."""
    return ChildProblem(
        kind,
        Reason.NAME_CONFLICT,
        f"{kind.name} {name} exists and is not this {owner}'s: it is left alone; delete or rename it, or create the "
        f"{owner} under another name",
    )


def child_terminating(kind: Kind, name: str) -> ChildProblem:
    """The problem that an object of this name is terminating."""
    return ChildProblem(
        kind, Reason.BEING_DELETED, f"{kind.name} {name} is being deleted; it is made anew when it is gone"
    )


def permanent_problem(kind: Kind, name: str, error: ApiError) -> ChildProblem | None:
    """The problem behind an error that stays until someone changes something; else None."""
    if "field not declared in schema" in error.message:
        return ChildProblem(
            kind,
            Reason.CRD_TOO_OLD,
            f"the cluster's {kind.name} does not know a field of it: {error.message}; update its CRD",
        )
    if error.code == HTTPStatus.NOT_FOUND and kind.optional:
        return crd_missing(kind)
    if error.code == HTTPStatus.FORBIDDEN and _MISSING_RIGHT.search(error.message):
        return ChildProblem(
            kind,
            Reason.FORBIDDEN,
            f"{kind.name} {name} may not be written: {error.message}; give the operator this right",
        )
    if error.code in (HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY):
        return ChildProblem(kind, Reason.REJECTED, f"the API server rejects {kind.name} {name}: {error.message}")
    return None


def transient_problem(kind: Kind, name: str, error: ApiError) -> ChildProblem:
    """The problem behind an error that may pass, once retries have not helped."""
    return ChildProblem(kind, Reason.API_ERROR, f"{kind.name} {name} cannot be written at present: {error}")
