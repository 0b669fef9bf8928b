"""The status of a MonitoredModel as types: the source of its schema and reference. `status.py` beside this package fills it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..base.schema_types import spec_type
from .fields import MapKey

Text = Annotated[str, Field(max_length=253)]
Time = Annotated[str, Field(max_length=64, json_schema_extra={"format": "date-time"})]
Count = Annotated[int, Field(ge=0)]


@spec_type
class Condition:
    """One fact about the model."""

    type: Annotated[str, Field(max_length=64, pattern=r"^[A-Z][A-Za-z]*$")]
    """Name of the fact."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: Annotated[str, Field(max_length=64, pattern=r"^[A-Z][A-Za-z]*$")]
    """Why, as one stable word; docs/conditions.md lists them."""
    message: Annotated[str, Field(max_length=2048)]
    """Why, for a person: the object, the field and the way out."""
    observed_generation: Count
    """Generation of the spec that this was found for."""
    last_transition_time: Time
    """When the status of this condition last changed."""


@spec_type
class GpuStatus:
    """GPUs of the model."""

    requested: Count
    """GPUs that all wanted replicas ask for together."""


@spec_type
class MonitoringStatus:
    """Names of the monitoring objects that exist."""

    service_monitor: Text | None = None
    """Name of the ServiceMonitor."""
    prometheus_rule: Text | None = None
    """Name of the PrometheusRule."""
    dashboard: Text | None = None
    """Name of the dashboard's ConfigMap."""
    dashboard_uid: Annotated[Text | None, Field(alias="dashboardUID")] = None
    """Uid of the dashboard in Grafana."""
    profile: Text | None = None
    """Name of the MonitoringProfile that counts."""
    unavailable: Annotated[list[Text], Field(max_length=64)] | None = None
    """Metrics of the catalogue that a server of this runtime cannot give; mmctl explain says why."""


@spec_type
class Status:
    """What the operator found."""

    observed_generation: Count | None = None
    """Generation of the spec that this status is for."""
    replicas: Count | None = None
    """Replicas that are wanted at present, by the spec or by the autoscaler."""
    ready_replicas: Count | None = None
    """Replicas that are ready."""
    ready_replicas_text: Annotated[str, Field(max_length=32)] | None = None
    """Ready and wanted replicas, for the table of kubectl get."""
    selector: Annotated[str, Field(max_length=512)] | None = None
    """Label selector of the pods, for the scale subresource."""
    endpoint: Annotated[str, Field(max_length=512)] | None = None
    """URL of the model inside the cluster."""
    version: Text | None = None
    """Version that the spec names."""
    version_since: Time | None = None
    """When the spec began to name this version."""
    previous_version: Text | None = None
    """Version that the spec named before."""
    gpu: GpuStatus | None = None
    """GPUs of the model."""
    monitoring: MonitoringStatus | None = None
    """Names of the monitoring objects that exist."""
    conditions: Annotated[list[Condition], Field(max_length=16), MapKey("type")] | None = None
    """Facts about the model."""
