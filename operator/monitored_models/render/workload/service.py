"""The Service, which clients call and the ServiceMonitor selects."""

from __future__ import annotations

from ...api import Model
from ...naming import labels, object_names
from ...naming.kinds import SERVICE
from .object_meta import Child, child


def make_service(model: Model) -> Child:
    """Return a ClusterIP Service with the serving port and, if different, the metrics port."""
    ports = {object_names.HTTP_PORT: model.port, object_names.scrape_port(model): model.metrics_port}
    return child(
        model,
        SERVICE,
        object_names.workload(model),
        spec={
            "type": "ClusterIP",
            "selector": labels.selector(model),
            "ports": [
                {"name": name, "port": port, "targetPort": name, "protocol": "TCP"} for name, port in ports.items()
            ],
        },
    )
