"""Pods of models as last observed.

The operator never writes pods, so no response can be late, and an autoscaled model goes through thousands of them: they
leave no tombstones.
"""

from __future__ import annotations

from ..naming.keys import Key
from .live_objects import Body, labelled_model
from .object_store import ObjectRef, ObjectStore
from .workload_status import PodStatus, pod_status


class PodStore(ObjectStore[PodStatus]):
    """The known pods. Their controller is a ReplicaSet, so the label decides to which model they belong."""

    def owner(self, _ref: ObjectRef, body: Body, /) -> Key | None:
        """The model that the label names."""
        return labelled_model(body["metadata"])

    def read(self, _ref: ObjectRef, body: Body, _known: PodStatus | None, /) -> PodStatus:
        """The status."""
        return pod_status(body)
