"""The labels on children, on pods and on series: each stands here and nowhere else.

Labels are never copied from the MonitoredModel: a tracking label of a GitOps tool would make it prune the children.
"""

from __future__ import annotations

import hashlib

from ..api import GROUP, Model, MonitoringProfile

MANAGED_BY = "app.kubernetes.io/managed-by"
OPERATOR = "monitored-models"
MODEL = f"{GROUP}/model"
PROFILE = f"{GROUP}/profile"
VERSION = f"{GROUP}/version"
RUNTIME = f"{GROUP}/runtime"

SERIES_MODEL = "monitored_model"
SERIES_VERSION = "monitored_model_version"
SERIES_RUNTIME = "runtime"
"""On what the rules of a fleet record."""
NOTIFIED_BY = "notified_by"
"""On alerts: the AlertmanagerConfig that tells someone. So that it needs no list of models, and no model has two."""
IDENTITY = ("namespace", SERIES_MODEL)
"""Labels that together name a model on every series."""


def selector(model: Model) -> dict[str, str]:
    """Labels that select the model's pods; a Deployment's can never change, so there is one."""
    return {MODEL: model.name}


def selector_text(model: Model) -> str:
    """The same as text, for the scale subresource."""
    return ",".join(f"{key}={value}" for key, value in selector(model).items())


def children(model: Model) -> dict[str, str]:
    """Labels of every child."""
    return {MANAGED_BY: OPERATOR, "app.kubernetes.io/name": model.name, **selector(model)}


def profiles(profile: MonitoringProfile) -> dict[str, str]:
    """Labels of what a MonitoringProfile has. Its name may be longer than a label's value."""
    name = profile.name if len(profile.name) <= 63 else hashlib.sha256(profile.name.encode()).hexdigest()[:40]
    return {MANAGED_BY: OPERATOR, "app.kubernetes.io/name": name, PROFILE: name}


def pods(model: Model) -> dict[str, str]:
    """Labels of the pods; the version stands on the pod, since during a rollout two versions serve side by side."""
    version = {VERSION: model.spec.model.version} if model.spec.model.version else {}
    return {**children(model), RUNTIME: model.profile.id, **version}


def meta(label: str) -> str:
    """The label of a pod as Prometheus' discovery shows it to relabeling."""
    return "__meta_kubernetes_pod_label_" + "".join(c if c.isalnum() else "_" for c in label)


FIELD_MANAGER = "monitored-models"
