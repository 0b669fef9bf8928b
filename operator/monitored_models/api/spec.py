"""The spec of a MonitoredModel as typed, frozen values: the one source of the schema, the reference page and the parser.

A field's docstring is its description in the CRD and in docs/reference.md. A field stands here only when it has an
effect today; each rule that spans fields stands in `rules.py`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..base.schema_types import spec_type
from ..runtimes import CUSTOM, CUSTOM_RUNTIME_PREFIX, builtin_runtimes
from .fields import (
    AbsolutePath,
    Affinity,
    DisplayText,
    DnsLabel,
    EnvFromSource,
    EnvVar,
    LabelValue,
    MapKey,
    ObjectName,
    PercentOrCount,
    Port,
    Quantity,
    ResourceMap,
    Seconds,
    Toleration,
    TopologySpreadConstraint,
    UnixId,
    UrlPath,
)
from .monitoring import Monitoring

# Not an enumeration, so that a platform can add profiles of its own; still a typo in a built-in name is refused.
_RUNTIME = rf"^({'|'.join(builtin_runtimes())}|{CUSTOM_RUNTIME_PREFIX}[a-z0-9]([a-z0-9-]*[a-z0-9])?)$"

Argument = Annotated[str, Field(max_length=4096)]


@spec_type
class ModelIdentity:
    """Which model this is."""

    name: DisplayText | None = None
    """Name for people, shown on the dashboard and given to the server; the object's own name when left out."""
    version: LabelValue | None = None
    """Version of the model: a label of its pods and of every series scraped from them."""
    uri: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://[^ \x00-\x1f\x7f]+$", max_length=1024)] | None = None
    """Where the server finds the model. Which schemes are understood, and how the server is told, is the runtime's."""
    framework: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$", max_length=63)] | None = None
    """Framework the model was made with: a tag of the dashboard, and MODEL_FRAMEWORK in the container."""


@spec_type
class LocalReference:
    """A named object of the same namespace."""

    name: ObjectName
    """Name of the object."""


@spec_type
class Autoscaling:
    """Scaling by a HorizontalPodAutoscaler, instead of a fixed number of replicas."""

    min_replicas: Annotated[int, Field(ge=1, le=1000)] = 1
    """Lower limit of the number of replicas."""
    max_replicas: Annotated[int, Field(ge=1, le=1000)]
    """Upper limit of the number of replicas."""
    target_cpu_utilization_percentage: Annotated[int, Field(ge=1, le=1000)] = 80
    """Mean CPU use, in percent of the CPU request, that the autoscaler aims at."""


@spec_type
class Resources:
    """CPU, memory and other resources of the container."""

    requests: ResourceMap | None = None
    """What the scheduler reserves on a node. A fraction stands in quotes, or in thousandths: 500m."""
    limits: ResourceMap | None = None
    """What the container may use at most. A fraction stands in quotes, or in thousandths: 500m."""


@spec_type
class Gpu:
    """GPUs of each replica."""

    count: Annotated[int, Field(ge=0, le=64)] = 1
    """Number of GPUs (or GPU partitions) that each replica asks for."""
    resource_name: Annotated[
        str, Field(pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$", max_length=253)
    ] = "nvidia.com/gpu"
    """Extended resource that the device plugin advertises, e.g. nvidia.com/gpu or nvidia.com/mig-1g.10gb."""


@spec_type
class PersistentVolumeClaim:
    """A claim of the same namespace."""

    claim_name: ObjectName
    """Name of the PersistentVolumeClaim."""


@spec_type
class EmptyDir:
    """A folder that lives as long as the pod."""

    medium: Literal["Memory"] | None = None
    """Memory keeps it in RAM, counted against the memory limit; the node's disk when left out."""
    size_limit: Quantity | None = None
    """Size at which the pod is evicted."""


@spec_type
class ConfigMapVolume:
    """The keys of a ConfigMap of the same namespace, as files."""

    name: ObjectName
    """Name of the ConfigMap."""
    optional: bool = False
    """Whether pods start when the ConfigMap does not exist."""


@spec_type
class Volume:
    """A volume and where the container sees it. Exactly one source."""

    name: DnsLabel
    """Name of the volume, unique in this list; names that begin with mm- belong to the operator."""
    mount_path: AbsolutePath
    """Path inside the container, used once in this list."""
    read_only: bool = False
    """Whether the container may only read it."""
    persistent_volume_claim: PersistentVolumeClaim | None = None
    """Mount a PersistentVolumeClaim."""
    empty_dir: EmptyDir | None = None
    """Mount an empty folder."""
    config_map: ConfigMapVolume | None = None
    """Mount a ConfigMap."""


@spec_type
class Storage:
    """What the container mounts."""

    shared_memory: Quantity | None = None
    """Size of /dev/shm, which frameworks that use several processes or GPUs need; counted against the memory limit."""
    volumes: Annotated[list[Volume], Field(max_length=16), MapKey("name")] = Field(default_factory=list)
    """Volumes of the container."""


@spec_type
class Probe:
    """One probe; what is left out comes from the runtime."""

    enabled: bool = True
    """Whether the probe exists."""
    path: UrlPath | None = None
    """HTTP path on the serving port; without one, and with none from the runtime, the port must accept connections."""
    initial_delay_seconds: Annotated[int, Field(ge=0, le=86400)] | None = None
    """Seconds before the first check."""
    period_seconds: Seconds | None = None
    """Seconds between checks."""
    timeout_seconds: Seconds | None = None
    """Seconds after which a check counts as failed."""
    failure_threshold: Annotated[int, Field(ge=1, le=10000)] | None = None
    """Failed checks in a row that count as failure; for the startup probe, times the period, the time a model may load."""


@spec_type
class Probes:
    """When a container counts as started, ready and alive."""

    startup: Probe = Field(default_factory=Probe)
    """Until it succeeds once, the other two wait: the time that the model may take to load."""
    readiness: Probe = Field(default_factory=Probe)
    """While it fails, the pod gets no requests."""
    liveness: Probe = Field(default_factory=Probe)
    """When it fails, the container is restarted."""


@spec_type
class Rollout:
    """How pods are replaced."""

    max_surge: PercentOrCount = 1
    """Pods above the wanted number during a change; 0 where GPUs or volumes cannot be had twice."""
    max_unavailable: PercentOrCount = 0
    """Pods below the wanted number during a change."""
    drain_seconds: Annotated[int, Field(ge=0, le=3600)] = 10
    """Seconds a pod goes on serving after it is told to stop, so that every client has learnt that it is leaving."""
    termination_grace_period_seconds: Annotated[int, Field(ge=1, le=86400)] = 60
    """Seconds from being told to stop until being killed, draining included."""
    progress_deadline_seconds: Annotated[int, Field(ge=30, le=86400)] | None = None
    """Seconds without progress after which the change counts as stuck; the runtime's own figure when left out."""


@spec_type
class Scheduling:
    """On which nodes pods may run."""

    node_selector: Annotated[dict[str, Annotated[str, Field(max_length=63)]], Field(max_length=32)] | None = None
    """Labels that the node must have."""
    tolerations: Annotated[list[Toleration], Field(max_length=32)] | None = None
    """Taints that the pods tolerate."""
    affinity: Affinity | None = None
    """Affinity to nodes and to other pods."""
    topology_spread_constraints: Annotated[list[TopologySpreadConstraint], Field(max_length=8)] | None = None
    """How replicas spread over nodes and zones; a missing labelSelector selects this model's pods."""
    priority_class_name: ObjectName | None = None
    """PriorityClass of the pods."""
    runtime_class_name: ObjectName | None = None
    """RuntimeClass of the pods, e.g. nvidia where the cluster asks for it."""


@spec_type
class Security:
    """Identity of the container's process. The pod that is made satisfies the restricted Pod Security Standard in any case."""

    run_as_user: UnixId | None = None
    """User id, never 0; the runtime's own when left out."""
    run_as_group: UnixId | None = None
    """Group id; the runtime's own when left out."""
    fs_group: UnixId | None = None
    """Group that owns the volumes; the runtime's own when left out."""
    read_only_root_filesystem: bool = False
    """Whether the image's files are read-only; /tmp and the home folder stay writable."""


@spec_type
class DisruptionBudget:
    """A PodDisruptionBudget. Exactly one of the two."""

    min_available: PercentOrCount | None = None
    """Replicas that a node drain must leave running."""
    max_unavailable: PercentOrCount | None = None
    """Replicas that a node drain may take away at a time."""


@spec_type
class NetworkPolicy:
    """Restriction of incoming traffic."""

    enabled: bool = True
    """Whether pods accept connections on the serving and metrics ports only."""


@spec_type
class Spec:
    """What should run, and how it is watched."""

    model: ModelIdentity = Field(default_factory=ModelIdentity)
    """Which model this is."""
    runtime: Annotated[str, Field(pattern=_RUNTIME, max_length=40)] = CUSTOM
    """Kind of model server: gives image, arguments, ports, probes and the names of its metrics. Names that begin with x- are profiles of the operator's settings."""
    image: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$", max_length=512)] | None = None
    """Container image of the server; required for the custom runtime, else the runtime's own when left out."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    """When the image is pulled; Kubernetes' default when left out."""
    image_pull_secrets: Annotated[list[LocalReference], Field(max_length=8), MapKey("name")] | None = None
    """Secrets of the same namespace with registry credentials."""
    command: Annotated[list[Argument], Field(max_length=64)] | None = None
    """Replaces the image's entrypoint, and with it the arguments that the runtime would give."""
    args: Annotated[list[Argument], Field(max_length=128)] | None = None
    """Arguments of the server, after those of the runtime."""
    env: Annotated[list[EnvVar], Field(max_length=128), MapKey("name")] | None = None
    """Environment variables; they win over those of the runtime."""
    env_from: Annotated[list[EnvFromSource], Field(max_length=32)] | None = None
    """ConfigMaps and Secrets of the same namespace whose keys become environment variables."""
    port: Port | None = None
    """Port the server listens on; the runtime's own when left out."""
    replicas: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Number of replicas, 1 when left out; not together with autoscaling. kubectl scale works while it is set."""
    autoscaling: Autoscaling | None = None
    """Scaling by load, instead of a fixed number of replicas."""
    resources: Resources | None = None
    """CPU, memory and other resources of the container."""
    gpu: Gpu | None = None
    """GPUs of each replica."""
    storage: Storage = Field(default_factory=Storage)
    """What the container mounts."""
    probes: Probes = Field(default_factory=Probes)
    """When a container counts as started, ready and alive."""
    rollout: Rollout = Field(default_factory=Rollout)
    """How pods are replaced."""
    scheduling: Scheduling = Field(default_factory=Scheduling)
    """On which nodes pods may run."""
    security: Security = Field(default_factory=Security)
    """Identity of the container's process."""
    disruption_budget: DisruptionBudget | None = None
    """Protection against node drains."""
    network_policy: NetworkPolicy | None = None
    """Restriction of incoming traffic."""
    suspend: bool = False
    """Stops the model: no pods, no alerts; its monitoring objects and settings stay."""
    monitoring: Monitoring = Field(default_factory=Monitoring)
    """How the model is watched."""
