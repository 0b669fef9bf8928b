"""The name of every child of a model, each defined only here."""

from __future__ import annotations

import hashlib

from ..api import Model

CONTAINER = "server"
HTTP_PORT = "http"
METRICS_PORT = "metrics"


def workload(model: Model) -> str:
    """Name of the Deployment, and of every child that exists once."""
    return model.name


GENERATED_NAME = 58
"""Characters that Kubernetes keeps of a name before it appends five of its own."""


SAFE = "[bcdfghjklmnpqrstvwxz2456789]"
"""Characters that Kubernetes generates names from: k8s.io/apimachinery/pkg/util/rand."""


def pod_pattern(model: Model) -> str:
    """Regular expression that matches the names of the model's pods, and no other Deployment's.

    `<name>-<hash>-<five>`, of letters and digits that form no words. After a long name the hash may be cut, with its
    dash.
    """
    cut = len(workload(model)) + len("-0123456789-") > GENERATED_NAME
    return f"{workload(model)}-{SAFE}{{1,10}}" + (f"-?{SAFE}{{5}}" if cut else f"-{SAFE}{{5}}")


def claims(model: Model) -> tuple[str, ...]:
    """Names of the volume claims that the model mounts."""
    sources = (volume.persistent_volume_claim for volume in model.spec.storage.volumes)
    return tuple(sorted({claim.claim_name for claim in sources if claim}))


def dashboard(model: Model) -> str:
    """Name of the dashboard's ConfigMap."""
    return f"{model.name}-dashboard"


def dashboard_uid(model: Model) -> str:
    """Uid of the dashboard in Grafana: at most 40 characters, stable and unique per namespace and name."""
    return "mm-" + hashlib.sha256(f"{model.namespace}/{model.name}".encode()).hexdigest()[:36]


def dashboard_key(model: Model) -> str:
    """Key in the ConfigMap; Grafana's sidecar uses it as file name, so it must be unique in the cluster."""
    return f"{dashboard_uid(model)}.json"


LONGEST = 200
"""Characters of a profile's name that are kept in the name of its child."""


def notifications(profile: str) -> str:
    """Name of a MonitoringProfile's AlertmanagerConfig. It has a dot, which no name of a model has."""
    if len(profile) > LONGEST:
        cut = hashlib.sha256(profile.encode()).hexdigest()[:12]
        profile = f"{profile[:LONGEST].rstrip('-.')}-{cut}"
    return f"{profile}.notifications"


def notifier(model: Model) -> str | None:
    """Name of the AlertmanagerConfig that notifies about a model's alerts: its own, its profile's, or None."""
    if not model.monitoring.notifications:
        return None
    if model.spec.monitoring.notifications:
        return workload(model)
    return notifications(model.monitoring_profile) if model.monitoring_profile else None


def scrape_port(model: Model) -> str:
    """Name of the Service port that is scraped."""
    return HTTP_PORT if model.metrics_port == model.port else METRICS_PORT


def endpoint(model: Model) -> str:
    """URL of the model inside the cluster."""
    return f"http://{workload(model)}.{model.namespace}.svc:{model.port}"
