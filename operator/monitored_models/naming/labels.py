"""The labels on children, on pods and on series, each defined only here.

Labels are never copied from the MonitoredModel: the tracking label of a GitOps tool would make it prune the children.
"""

from __future__ import annotations

import hashlib

from ..api import GROUP, Model, MonitoringProfile

MANAGED_BY = "app.kubernetes.io/managed-by"
OPERATOR = "monitored-models"
APP_NAME = "app.kubernetes.io/name"
MODEL = f"{GROUP}/model"
PROFILE = f"{GROUP}/profile"
VERSION = f"{GROUP}/version"
RUNTIME = f"{GROUP}/runtime"

SERIES_MODEL = "monitored_model"
SERIES_VERSION = "monitored_model_version"
SERIES_RUNTIME = "runtime"
"""On the series that the recording rules of a fleet record."""
NOTIFIED_BY = "notified_by"
"""On alerts: the AlertmanagerConfig that notifies. So it needs no list of models, and no model has two."""
IDENTITY = ("namespace", SERIES_MODEL)
"""Labels that together identify a model on every series."""
BY_MODEL = ", ".join(IDENTITY)
"""The same, to aggregate by or join on."""


def selector(model: Model) -> dict[str, str]:
    """Labels that select the model's pods; only one, because the selector of a Deployment is immutable."""
    return {MODEL: model.name}


def selector_text(model: Model) -> str:
    """The same selector as text, for the scale subresource."""
    return ",".join(f"{key}={value}" for key, value in selector(model).items())


def children(model: Model) -> dict[str, str]:
    """Labels of every child."""
    return {MANAGED_BY: OPERATOR, APP_NAME: model.name, **selector(model)}


def profiles(profile: MonitoringProfile) -> dict[str, str]:
    """Labels of a MonitoringProfile's children. Its name may be too long for a label's value."""
    name = profile.name if len(profile.name) <= 63 else hashlib.sha256(profile.name.encode()).hexdigest()[:40]
    return {MANAGED_BY: OPERATOR, APP_NAME: name, PROFILE: name}


def pods(model: Model) -> dict[str, str]:
    """Labels of the pods, with the version, because two versions serve side by side during a rollout."""
    version = {VERSION: model.spec.model.version} if model.spec.model.version else {}
    return {**children(model), RUNTIME: model.runtime.id, **version}


def meta(label: str) -> str:
    """The meta label of a pod's label in Prometheus' service discovery, for relabeling."""
    return "__meta_kubernetes_pod_label_" + "".join(c if c.isalnum() else "_" for c in label)


FIELD_MANAGER = "monitored-models"
