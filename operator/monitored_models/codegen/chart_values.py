"""The values of the Helm chart as types: source of `values.yaml`, `values.schema.json` and the table in its README.

Helm rejects unknown values because of the schema. Fields that Kubernetes defines itself, such as a toleration, are
objects here; the API server validates them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..base.schema_types import settings_type
from ..settings import Settings
from .chart_policy_values import AdmissionPolicy
from .value_types import Object, Objects, Texts, list_value, object_value

Port = Annotated[int, Field(ge=1, le=65535)]
_REGISTRY = r"^$|^[A-Za-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)*$"


@settings_type
class Image:
    """The operator's image."""

    registry: Annotated[str, Field(pattern=_REGISTRY)] = ""
    """Registry, if another than `imageRegistry`."""
    repository: Annotated[str, Field(min_length=1)] = "monitored-models"
    """Repository, without a registry."""
    tag: str = ""
    """Tag; the chart's appVersion when empty."""
    digest: Annotated[str, Field(pattern=r"^$|^sha256:[0-9a-f]{64}$")] = ""
    """Digest, as `sha256:…`. It takes precedence over the tag."""
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When the kubelet pulls the image."""


@settings_type
class Crds:
    """The CustomResourceDefinitions. They are templates, so that an upgrade of the chart upgrades them."""

    enabled: bool = True
    """Install them."""
    keep: bool = True
    """Keep them, and with them all models, at `helm uninstall`."""


@settings_type
class ServiceAccount:
    """The operator's ServiceAccount."""

    create: bool = True
    """Create it."""
    name: str = ""
    """Its name; the release's full name when empty."""
    annotations: Texts = object_value()
    """Annotations of the ServiceAccount."""


@settings_type
class Rbac:
    """Roles of the operator and of people."""

    create: bool = True
    """Create the operator's roles and bindings."""
    aggregate: bool = True
    """Add rights on models and profiles to the cluster roles view, edit and admin."""


@settings_type
class DisruptionBudget:
    """PodDisruptionBudget of the operator."""

    enabled: bool = True
    """Create it if there is more than one replica."""
    max_unavailable: int | str = 1
    """Pods that an eviction may take at the same time."""


@settings_type
class Probes:
    """Probes of the operator's pod."""

    startup: Object = object_value(periodSeconds=2, timeoutSeconds=5, failureThreshold=150)
    """Of `/healthz`: the process answers from its first second; a list of thousands of models does not delay it."""
    liveness: Object = object_value(periodSeconds=10, timeoutSeconds=5, failureThreshold=3)
    """Of `/healthz`, which fails when the event loop has not turned for `settings.hangTimeoutSeconds`."""
    readiness: Object = object_value(periodSeconds=5, timeoutSeconds=5, failureThreshold=3)
    """Of `/readyz`; a standby is ready."""


@settings_type
class ServiceMonitor:
    """How prometheus-operator scrapes the operator."""

    enabled: bool = False
    """Create the ServiceMonitor. It needs prometheus-operator's CRDs."""
    labels: Texts = object_value()
    """Labels by which a Prometheus selects it, such as `release: kps`."""
    interval: Annotated[str, Field(pattern=r"^[0-9]+(ms|s|m)$")] = "30s"
    """Time between two scrapes."""
    authorization: Object = object_value()
    """Authorization of the scrape, with `metrics.authentication`; Prometheus' own token when empty."""
    tls_config: Object = object_value(insecureSkipVerify=True)
    """How Prometheus verifies the operator's certificate, with `metrics.tlsSecret`."""


@settings_type
class Rules:
    """Alerts on the operator itself."""

    enabled: bool = False
    """Create the PrometheusRule. It needs prometheus-operator's CRDs."""
    labels: Texts = object_value()
    """Labels by which a Prometheus selects it."""


@settings_type
class Dashboards:
    """Dashboards of the operator, of all models and of all objectives."""

    enabled: bool = False
    """Create a ConfigMap for each."""
    labels: Texts = object_value(grafana_dashboard="1")
    """Labels by which Grafana's sidecar finds them."""
    annotations: Texts = object_value()
    """Annotations, such as the sidecar's folder."""
    instance_selector: Object = object_value()
    """Also create GrafanaDashboards for the Grafanas of grafana-operator that these labels match; none when empty."""


@settings_type
class Metrics:
    """The operator's `/metrics`, `/healthz` and `/readyz`."""

    port: Port = 8080
    """Port of all three."""
    authentication: bool = False
    """Have the API server decide who may read `/metrics`: users who may `get` that URL. The operator gets the rights to ask it
    (TokenReview, SubjectAccessReview), and a cluster role for Prometheus is created. Set `tlsSecret` too."""
    tls_secret: str = ""
    """Secret of type kubernetes.io/tls; all three then use HTTPS. Plain HTTP when empty."""
    service_monitor: ServiceMonitor = Field(default_factory=ServiceMonitor)
    rules: Rules = Field(default_factory=Rules)
    dashboards: Dashboards = Field(default_factory=Dashboards)


@settings_type
class NetworkPolicy:
    """NetworkPolicy of the operator."""

    enabled: bool = False
    """Create it: scrapes come in; DNS, the API server and what `egress` lists go out."""
    ingress: Objects = list_value()
    """Who may scrape, as NetworkPolicyPeers; everyone when empty."""
    api_server_ports: Annotated[list[Port], Field(min_length=1)] = list_value(443, 6443)
    """Ports of the API server, whose address a policy cannot name."""
    egress: Objects = list_value()
    """Further egress rules, for a Grafana for example."""


@settings_type
class GrafanaToken:
    """Secret with the token of `settings.grafana`."""

    existing_secret: str = ""
    """Name of the Secret; none when empty."""
    key: str = "token"
    """Key of the token in it."""


@settings_type
class KubeStateMetrics:
    """Configuration for kube-state-metrics, for those who prefer its series to the operator's own."""

    enabled: bool = False
    """Create a ConfigMap with the configuration for custom resources."""


@settings_type
class Tests:
    """`helm test`."""

    image: str = ""
    """Image with Python for the test pod; the operator's own when empty."""


@settings_type
class Values:
    """All values of the chart."""

    name_override: str = ""
    """Replaces the chart's name in names."""
    fullname_override: str = ""
    """Replaces the release's full name."""
    image_registry: Annotated[str, Field(pattern=_REGISTRY)] = ""
    """Registry of all images, such as `registry.example.com/mirror`."""
    image: Image = Field(default_factory=Image)
    image_pull_secrets: Objects = list_value()
    """Secrets for pulling images, as `- name: …`."""
    replica_count: Annotated[int, Field(ge=0, le=5)] = 2
    """Pods; one leads, the others stand by."""
    settings: Object = object_value()
    """The operator's settings, as in docs/settings.md; the chart itself sets `listen`, `tls`,
    `metricsAuthentication`, `leaderElection`, `leaseNamespace` and `leaseName`. With
    `namespaces`, the operator gets roles in these namespaces only. A change rolls the pods."""
    grafana_token: GrafanaToken = Field(default_factory=GrafanaToken)
    crds: Crds = Field(default_factory=Crds)
    rbac: Rbac = Field(default_factory=Rbac)
    service_account: ServiceAccount = Field(default_factory=ServiceAccount)
    metrics: Metrics = Field(default_factory=Metrics)
    pod_disruption_budget: DisruptionBudget = Field(default_factory=DisruptionBudget)
    network_policy: NetworkPolicy = Field(default_factory=NetworkPolicy)
    admission_policy: AdmissionPolicy = Field(default_factory=AdmissionPolicy)
    kube_state_metrics: KubeStateMetrics = Field(default_factory=KubeStateMetrics)
    tests: Tests = Field(default_factory=Tests)
    resources: Object = object_value(requests={"cpu": "100m", "memory": "256Mi"}, limits={"memory": "512Mi"})
    """Enough for 5,000 models (docs/benchmarks.md)."""
    probes: Probes = Field(default_factory=Probes)
    pod_security_context: Object = object_value(
        runAsNonRoot=True, runAsUser=65532, runAsGroup=65532, fsGroup=65532, seccompProfile={"type": "RuntimeDefault"}
    )
    """Security context of the pod."""
    security_context: Object = object_value(
        allowPrivilegeEscalation=False, readOnlyRootFilesystem=True, capabilities={"drop": ["ALL"]}
    )
    """Security context of the container."""
    common_labels: Texts = object_value()
    """Labels of all objects."""
    pod_labels: Texts = object_value()
    """Labels of the pods."""
    pod_annotations: Texts = object_value()
    """Annotations of the pods."""
    deployment_annotations: Texts = object_value()
    """Annotations of the Deployment."""
    node_selector: Texts = object_value()
    """Labels of the nodes to run on."""
    tolerations: Objects = list_value()
    """Tolerations of the pods."""
    affinity: Object = object_value()
    """Affinity of the pods."""
    topology_spread_constraints: Objects = list_value()
    """Spread of the pods; over nodes, if possible, when empty."""
    host_users: bool | None = None
    """`false` runs the pods in a user namespace of their own; the cluster's default when left out."""
    priority_class_name: str = ""
    """PriorityClass of the pods."""
    runtime_class_name: str = ""
    """RuntimeClass of the pods."""
    termination_grace_period_seconds: Annotated[int, Field(ge=5, le=3600)] = 30
    """Time from SIGTERM to SIGKILL. The operator needs 25 s at most."""
    extra_args: list[str] = list_value()
    """Further arguments of `mmctl run`."""
    extra_env: Objects = list_value()
    """Further environment variables."""
    extra_volumes: Objects = list_value()
    """Further volumes."""
    extra_volume_mounts: Objects = list_value()
    """Further volume mounts of the container."""
    extra_containers: Objects = list_value()
    """Further containers of the pod."""
    extra_objects: Objects = list_value()
    """Further objects, rendered with the chart; templates are expanded."""


MANAGED_SETTINGS = ("listen", "leaseNamespace", "leaseName", "leaderElection", "tls", "metricsAuthentication")
"""Settings that the chart sets itself."""
SETTINGS = Settings
"""The type of `settings`."""
