"""Executes a plan on the API server. A permanent error becomes a problem; a transient one is raised."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from ..cache.cluster_cache import ClusterCache
from ..cache.live_objects import applied_by_us, controller_uid, resource_version
from ..kube import applied_fields
from ..kube.client import KubeClient
from ..kube.errors import ApiError
from ..naming.keys import OwnerKey
from ..plan.child_problems import ChildProblem, name_conflict, owner_noun, permanent_problem, transient_problem
from ..plan.planner import Apply, Delete, Plan, is_owned_by
from ..plan.render_cache import Objects
from ..render.children import Child
from ..telemetry.logs import about

log = logging.getLogger(__name__)


class OwnerTerminating(Exception):
    """The owner or its namespace is being deleted: nothing can be created for it anymore, and nothing needs to be."""


@dataclass(frozen=True)
class Applier:
    """Applies and deletes children, and updates the cache at once."""

    client: KubeClient
    cache: ClusterCache

    async def execute(
        self, key: OwnerKey, owner_uid: str, plan: Plan, objects: Objects, *, surface_errors: bool
    ) -> list[ChildProblem]:
        """Execute the steps in order; `objects` are the objects to apply. Returns all problems, the plan's first.

        Raises OwnerTerminating, and ApiError for a transient error. With `surface_errors`, because retries did not help,
        a transient error becomes a problem too.
        """
        problems = list(plan.problems)
        for step in plan.steps:
            try:
                if isinstance(step, Delete):
                    await self._delete(key, step)
                elif problem := await self._apply(key, owner_uid, step, objects[step.kind, step.name]):
                    problems.append(problem)
            except ApiError as error:
                if "is being terminated" in error.message:
                    raise OwnerTerminating from error
                permanent = permanent_problem(step.kind, step.name, error)
                if permanent is None and not surface_errors:
                    raise
                problems.append(permanent or transient_problem(step.kind, step.name, error))
        return problems

    async def _apply(self, key: OwnerKey, owner_uid: str, step: Apply, child: Child) -> ChildProblem | None:
        body = await self._create_or_apply(step, child)
        if body is None:  # never take over: the object exists, and its owner is unknown
            found = await self.client.metadata(step.kind, key.namespace, step.name)
            if found is not None and not is_owned_by(*_ownership(found["metadata"]), owner_uid):
                return name_conflict(step.kind, step.name, owner_noun(key))
            body = await self.client.apply(step.kind, child, found["metadata"]["uid"] if found else None)
        self.cache.observe(step.kind, body)
        rendering, answer = step.desired.digest, self._digest(key, step, body)
        self.cache.accept_mutation(key, step.kind, step.name, rendering if rendering != answer else None, answer)
        log.info("applied %s %s", step.kind.name, step.name, extra=about(key, "Applied"))
        if rendering != answer:
            log.warning(
                "%s %s is changed on its way in: an admission policy?",
                step.kind.name,
                step.name,
                extra=about(key, "Changed"),
            )
        return None

    async def _create_or_apply(self, step: Apply, child: Child) -> dict[str, Any] | None:
        """The applied object; None if an object of this name exists that was not in the cache."""
        try:
            return await self.client.apply(step.kind, child, step.uid)
        except ApiError as error:
            if step.uid is None and error.code == HTTPStatus.CONFLICT:
                return None
            raise

    def _digest(self, key: OwnerKey, step: Apply, body: dict[str, Any]) -> str:
        """Digest of the response, which the cache has just computed, unless it has a newer version by now."""
        seen = self.cache.child(key, step.kind, step.name)
        return (
            seen.digest
            if seen and seen.version == resource_version(body["metadata"])
            else applied_fields.digest_live(body)
        )

    async def _delete(self, key: OwnerKey, step: Delete) -> None:
        await self.client.delete(step.kind, key.namespace, step.name, step.uid)
        # The watch reports it later, and until then the deletion must not be retried.
        if seen := self.cache.child(key, step.kind, step.name):
            self.cache.remove(step.kind, key.namespace, step.name, seen.version)
        log.info("deleted %s %s", step.kind.name, step.name, extra=about(key, "Deleted"))


def _ownership(metadata: Mapping[str, Any]) -> tuple[str | None, bool]:
    return controller_uid(metadata), applied_by_us(metadata)
