"""The Service: what clients call and the ServiceMonitor selects."""

from __future__ import annotations

from ..api import Model
from ..kinds import SERVICE
from . import labels, names
from .child import Child, child


def service(model: Model) -> Child:
    """A ClusterIP Service with the serving port and, if it is another, the metrics port."""
    ports = {names.HTTP_PORT: model.port, names.scrape_port(model): model.metrics_port}
    return child(
        model,
        SERVICE,
        names.workload(model),
        spec={
            "type": "ClusterIP",
            "selector": labels.selector(model),
            "ports": [
                {"name": name, "port": port, "targetPort": name, "protocol": "TCP"} for name, port in ports.items()
            ],
        },
    )
