"""Plans the steps from observed to desired state. Pure: compares digests with digests."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ..cache.children import ObservedChild
from ..naming import object_names
from ..naming.kinds import CHILDREN, CONFIG_MAP, GRAFANA_DASHBOARD, NOTIFICATION_KINDS, Kind
from .child_problems import ChildProblem, child_terminating, crd_missing, name_conflict
from .desired_state import DesiredChild, DesiredProfileState, DesiredState


@dataclass(frozen=True)
class Apply:
    """Apply a child; `uid` is that of the object to update, or None if none is known."""

    desired: DesiredChild
    uid: str | None

    @property
    def kind(self) -> Kind:
        """Kind of the child."""
        return self.desired.kind

    @property
    def name(self) -> str:
        """Name of the child."""
        return self.desired.name


@dataclass(frozen=True)
class Delete:
    """Delete a child that is no longer desired."""

    kind: Kind
    name: str
    uid: str


@dataclass(frozen=True)
class Plan:
    """Steps in the order of `CHILDREN`, deletions last, and the problems that block others."""

    steps: tuple[Apply | Delete, ...]
    problems: tuple[ChildProblem, ...]

    @property
    def creates(self) -> bool:
        """Whether any step creates an object."""
        return any(isinstance(step, Apply) and step.uid is None for step in self.steps)


@dataclass(frozen=True)
class Owner:
    """The owner whose children are compared: its uid, the name of its child of each kind, and a noun for messages."""

    uid: str
    child_names: Mapping[Kind, str]
    noun: str


def plan_model(
    desired: DesiredState,
    observed: Mapping[tuple[Kind, str], ObservedChild],
    served: Collection[Kind],
    accepted_mutations: Mapping[tuple[Kind, str], tuple[str, str]],
) -> Plan:
    """Plan the steps from the observed children of a model to the desired ones; none if nothing differs.

    `settled` has the pairs of digests, rendered and live, that count as equal.
    """
    model = desired.model
    boards = (CONFIG_MAP, GRAFANA_DASHBOARD)
    child_names = {
        kind: object_names.dashboard(model) if kind in boards else object_names.workload(model) for kind in CHILDREN
    }
    return _plan(desired.children, Owner(model.uid, child_names, "model"), observed, served, accepted_mutations)


def plan_profile(
    desired: DesiredProfileState,
    observed: Mapping[tuple[Kind, str], ObservedChild],
    served: Collection[Kind],
    accepted_mutations: Mapping[tuple[Kind, str], tuple[str, str]],
) -> Plan:
    """Plan the same for a MonitoringProfile."""
    child_names = dict.fromkeys(NOTIFICATION_KINDS, object_names.notifications(desired.name))
    return _plan(desired.children, Owner(desired.uid, child_names, "profile"), observed, served, accepted_mutations)


def _plan(
    desired: Sequence[DesiredChild],
    owner: Owner,
    observed: Mapping[tuple[Kind, str], ObservedChild],
    served: Collection[Kind],
    accepted_mutations: Mapping[tuple[Kind, str], tuple[str, str]],
) -> Plan:
    steps: list[Apply | Delete] = []
    problems: list[ChildProblem] = []
    for child in sorted(desired, key=lambda child: CHILDREN.index(child.kind)):
        kind, name = child.kind, child.name
        seen = observed.get((kind, name))
        if kind not in served:
            problems.append(crd_missing(kind))
        elif seen is None:
            steps.append(Apply(child, None))
        elif seen.deleting:
            problems.append(child_terminating(kind, name))
        elif not is_owned_by(seen.owner_uid, seen.applied, owner.uid):
            problems.append(name_conflict(kind, name, owner.noun))
        elif child.digest != seen.digest and accepted_mutations.get((kind, name)) != (child.digest, seen.digest):
            steps.append(Apply(child, seen.uid))
    desired_names = {(child.kind, child.name) for child in desired}
    for (kind, name), seen in observed.items():
        # Whatever its owner reference: an object that this owner could not have created is not deleted.
        is_ours = name == owner.child_names.get(kind)
        undesired = (kind, name) not in desired_names and is_ours and not seen.deleting
        if undesired and is_owned_by(seen.owner_uid, seen.applied, owner.uid):
            steps.append(Delete(kind, name, seen.uid))
    return Plan(tuple(steps), tuple(problems))


def is_owned_by(controller_uid: str | None, applied: bool, owner_uid: str) -> bool:
    """Whether the owner controls an object, or this operator applied it and someone removed the owner reference."""
    return controller_uid == owner_uid or (controller_uid is None and applied)
