"""Volumes and mounts of the pod: the user's own, and the few that every server needs."""

from __future__ import annotations

from typing import Any

from ...api import Model
from ...api.spec import Volume
from .object_meta import without_empty

SHARED_MEMORY = "/dev/shm"


def _own(model: Model) -> dict[str, tuple[str, dict[str, Any]]]:
    """Map the operator's own volumes to mount path and source. A user's volume on the same path takes precedence."""
    own: dict[str, tuple[str, dict[str, Any]]] = {"mm-home": (model.runtime.home, {})}
    if model.spec.security.read_only_root_filesystem:
        own["mm-tmp"] = ("/tmp", {})
    if model.spec.storage.shared_memory:
        own["mm-shm"] = (SHARED_MEMORY, {"medium": "Memory", "sizeLimit": model.spec.storage.shared_memory})
    taken = {volume.mount_path.rstrip("/") for volume in model.spec.storage.volumes}
    return {name: (path, source) for name, (path, source) in own.items() if path not in taken}


def volumes(model: Model) -> list[dict[str, Any]]:
    """Return the volumes of the pod."""
    own = [{"name": name, "emptyDir": source} for name, (_, source) in _own(model).items()]
    return own + [{"name": volume.name, **_source(volume)} for volume in model.spec.storage.volumes]


def mounts(model: Model) -> list[dict[str, Any]]:
    """Return the volume mounts of the container."""
    own = [{"name": name, "mountPath": path} for name, (path, _) in _own(model).items()]
    return own + [
        without_empty({"name": volume.name, "mountPath": volume.mount_path, "readOnly": volume.read_only or None})
        for volume in model.spec.storage.volumes
    ]


def _source(volume: Volume) -> dict[str, Any]:
    if volume.persistent_volume_claim:
        claim = {"claimName": volume.persistent_volume_claim.claim_name, "readOnly": volume.read_only or None}
        return {"persistentVolumeClaim": without_empty(claim)}
    if volume.config_map:
        return {
            "configMap": without_empty({"name": volume.config_map.name, "optional": volume.config_map.optional or None})
        }
    assert volume.empty_dir is not None  # API validation: exactly one source is set
    return {"emptyDir": without_empty({"medium": volume.empty_dir.medium, "sizeLimit": volume.empty_dir.size_limit})}
