"""The name of every child of a model: each stands here and nowhere else."""

from __future__ import annotations

import hashlib

from ..api import Model

CONTAINER = "server"
HTTP_PORT = "http"
METRICS_PORT = "metrics"


def workload(model: Model) -> str:
    """Name of the Deployment, and of every child of which there is one."""
    return model.name


def dashboard(model: Model) -> str:
    """Name of the dashboard's ConfigMap."""
    return f"{model.name}-dashboard"


def dashboard_uid(model: Model) -> str:
    """Uid of the dashboard in Grafana: at most 40 characters, the same for a namespace and name, other for others."""
    return "mm-" + hashlib.sha256(f"{model.namespace}/{model.name}".encode()).hexdigest()[:36]


def dashboard_key(model: Model) -> str:
    """Key in the ConfigMap; Grafana's sidecar makes it a file name, so that it must be unique in the cluster."""
    return f"{dashboard_uid(model)}.json"


def scrape_port(model: Model) -> str:
    """Name of the Service port that is scraped."""
    return HTTP_PORT if model.metrics_port == model.port else METRICS_PORT


def endpoint(model: Model) -> str:
    """URL of the model inside the cluster."""
    return f"http://{workload(model)}.{model.namespace}.svc:{model.port}"
