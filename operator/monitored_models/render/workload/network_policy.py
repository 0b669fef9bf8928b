"""The NetworkPolicy (optional)."""

from __future__ import annotations

from ...api import Model
from ...naming import labels, object_names
from ...naming.kinds import NETWORK_POLICY
from .object_meta import Child, child


def make_network_policy(model: Model) -> Child | None:
    """Return a policy that allows ingress to the serving and metrics ports only, or None if it is not enabled."""
    given = model.spec.network_policy
    if given is None or not given.enabled:
        return None
    return child(
        model,
        NETWORK_POLICY,
        object_names.workload(model),
        spec={
            "podSelector": {"matchLabels": labels.selector(model)},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": [{"port": p, "protocol": "TCP"} for p in sorted({model.port, model.metrics_port})]}],
        },
    )
