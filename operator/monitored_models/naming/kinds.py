"""The Kubernetes kinds that this operator reads or writes, each defined once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

from ..api import GROUP, KIND, PLURAL, PROFILE_KIND, PROFILE_PLURAL, VERSION


@dataclass(frozen=True)
class Kind:
    """A kind of object and where the API serves it."""

    group: str
    version: str
    name: str
    plural: str
    optional: bool = False
    """Whether a cluster may lack it."""

    @property
    def api_version(self) -> str:
        """The apiVersion of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL path of a collection, an object or a subresource."""
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        parts += ["namespaces", namespace] if namespace else []
        return "/" + "/".join([*parts, self.plural, *([name] if name else []), *([subresource] if subresource else [])])


MODEL = Kind(GROUP, VERSION, KIND, PLURAL)
PROFILE = Kind(GROUP, VERSION, PROFILE_KIND, PROFILE_PLURAL, optional=True)
DEPLOYMENT = Kind("apps", "v1", "Deployment", "deployments")
SERVICE = Kind("", "v1", "Service", "services")
SERVICE_MONITOR = Kind("monitoring.coreos.com", "v1", "ServiceMonitor", "servicemonitors", optional=True)
PROMETHEUS_RULE = Kind("monitoring.coreos.com", "v1", "PrometheusRule", "prometheusrules", optional=True)
ALERTMANAGER_CONFIG = Kind(
    "monitoring.coreos.com", "v1alpha1", "AlertmanagerConfig", "alertmanagerconfigs", optional=True
)
CONFIG_MAP = Kind("", "v1", "ConfigMap", "configmaps")
GRAFANA_DASHBOARD = Kind("grafana.integreatly.org", "v1beta1", "GrafanaDashboard", "grafanadashboards", optional=True)
AUTOSCALER = Kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
DISRUPTION_BUDGET = Kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
NETWORK_POLICY = Kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies")
POD = Kind("", "v1", "Pod", "pods")
PROMETHEUS = Kind("monitoring.coreos.com", "v1", "Prometheus", "prometheuses", optional=True)
PROMETHEUS_AGENT = Kind("monitoring.coreos.com", "v1alpha1", "PrometheusAgent", "prometheusagents", optional=True)
ALERTMANAGER = Kind("monitoring.coreos.com", "v1", "Alertmanager", "alertmanagers", optional=True)
LEASE = Kind("coordination.k8s.io", "v1", "Lease", "leases")
EVENT = Kind("events.k8s.io", "v1", "Event", "events")
TOKEN_REVIEW = Kind("authentication.k8s.io", "v1", "TokenReview", "tokenreviews")
SUBJECT_ACCESS_REVIEW = Kind("authorization.k8s.io", "v1", "SubjectAccessReview", "subjectaccessreviews")

CHILDREN = (
    DEPLOYMENT,
    SERVICE,
    SERVICE_MONITOR,
    PROMETHEUS_RULE,
    CONFIG_MAP,
    GRAFANA_DASHBOARD,
    AUTOSCALER,
    DISRUPTION_BUDGET,
    NETWORK_POLICY,
    ALERTMANAGER_CONFIG,
)
"""Kinds of children, in the order in which the planner applies them."""
MONITORING_KINDS = (SERVICE_MONITOR, PROMETHEUS_RULE, CONFIG_MAP, GRAFANA_DASHBOARD)
"""Kinds of children without which a model is served, but not monitored."""
NOTIFICATION_KINDS = (ALERTMANAGER_CONFIG,)
"""Kinds of children without which a model is served and monitored, but notifies nobody. Profiles have them too."""
SELECTING_KINDS = (PROMETHEUS, PROMETHEUS_AGENT, ALERTMANAGER)
"""Kinds of objects whose selectors decide which children are used. They are listed now and then, and not watched."""
OBSERVED_BEFORE: Mapping[Kind, tuple[Kind, ...]] = {
    # A reconcile decides from these, and may start as soon as its owner is observed.
    MODEL: (*CHILDREN, POD, EVENT, PROFILE),
    PROFILE: (*NOTIFICATION_KINDS, EVENT),
    # The cache drops a rejection of an AlertmanagerConfig that it does not know.
    EVENT: (ALERTMANAGER_CONFIG,),
}
"""The kinds that the cache must observe before another one."""
WATCHED = tuple(TopologicalSorter(OBSERVED_BEFORE).static_order())
"""Kinds that are listed and watched, each after those that must be observed before it."""
USER_AUTHORED_KINDS = (PROFILE, MODEL)
"""Kinds that users write, without our labels."""
EVENT_FIELD_SELECTOR = f"reason=InvalidConfiguration,regarding.kind={ALERTMANAGER_CONFIG.name}"
"""Field selector of the only Events of interest: rejections of an AlertmanagerConfig by prometheus-operator."""


def watched_kinds(served: Collection[Kind]) -> tuple[Kind, ...]:
    """The kinds to list and watch if the cluster serves these. It always serves Pods and Events."""
    built_in = (POD, EVENT) if ALERTMANAGER_CONFIG in served else (POD,)
    return tuple(kind for kind in WATCHED if kind in served or kind in built_in)


def resource_of(path: str) -> str:
    """The resource in the URL path of a request, such as pods or deployments/status."""
    parts = path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]  # after group and version
    if parts[:1] == ["namespaces"] and len(parts) > 2:
        parts = parts[2:]
    return "/".join(parts[0::2]) if parts else "discovery"
