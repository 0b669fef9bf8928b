"""The operator's settings: platform decisions for all models, read once from a YAML file, or the defaults."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import AfterValidator, Field, TypeAdapter

from .api import PlatformDefaults, profile_problems
from .api.fields import DnsLabel
from .base.schema_types import settings_type
from .files.yaml_loader import UnreadableFile, documents, text
from .runtimes import CUSTOM_RUNTIME_PREFIX, RuntimeProfile, builtin_runtimes

Listen = Annotated[str, Field(pattern=r"^$|^([A-Za-z0-9.-]*|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}$")]
"""Host and port, as in 127.0.0.1:8080 or :8080; empty for none."""
MAX_LABELS = 32
"""Labels that the settings may add to a child."""
LabelMap = Annotated[dict[str, str], Field(max_length=MAX_LABELS)]
BaseAddress = Annotated[str, Field(pattern=r"^$|^https?://[^\s]+$")]
"""Address below which pages are found; empty for none."""
ServerAddress = Annotated[
    str, Field(pattern=r"^https?://([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$")
]
"""Address of a server. It stands in logs and conditions: a name and password in it are refused."""


def _expression(text_: str) -> str:
    """The text, if it is a regular expression."""
    try:
        re.compile(text_)
    except re.error as error:
        raise ValueError(f"{text_!r} is no regular expression: {error}") from error
    return text_


def _own_runtimes(profiles: tuple[RuntimeProfile, ...]) -> tuple[RuntimeProfile, ...]:
    """The profiles, if each can be told from the built-in ones and from the others."""
    ids = [profile.id for profile in profiles]
    if foreign := next((name for name in ids if not name.startswith(CUSTOM_RUNTIME_PREFIX)), None):
        raise ValueError(
            f"the id of a runtime of your own must begin with {CUSTOM_RUNTIME_PREFIX} (given: {foreign!r})"
        )
    if twice := next((name for name in ids if ids.count(name) > 1), None):
        raise ValueError(f"the id {twice!r} stands there twice")
    return profiles


def _without_notifications(monitoring: dict[str, Any]) -> dict[str, Any]:
    """What all models share, if it names no Secrets: those are of one namespace."""
    if "notifications" in monitoring:
        raise ValueError("notifications name Secrets of one namespace: put them into a MonitoringProfile of it")
    return monitoring


@settings_type
class Grafana:
    """A Grafana that is asked whether it has the dashboards, and told of new versions."""

    url: ServerAddress
    """Address at which the operator reaches it."""
    token_file: Annotated[str, Field(min_length=1)]
    """File with a service account's token, as a mounted Secret has it; read anew for each look."""
    data_source: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{0,40}$")] = ""
    """Uid of the data source that panels ask; when empty, the default one, or else the first of type prometheus."""
    annotations: bool = True
    """Whether a change of a model's version is marked on its dashboard."""
    check_seconds: Annotated[float, Field(ge=1)] = 300
    """Time between two looks."""
    timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 10
    """Time after which a call has failed."""
    grace_seconds: Annotated[float, Field(ge=0)] = 300
    """Time that Grafana has for loading a dashboard."""
    tolerance_seconds: Annotated[float, Field(ge=0)] = 120
    """Time for which trouble that all models share is only logged."""


@settings_type
class InstanceSelector:
    """Labels of the Grafana objects that take a dashboard."""

    match_labels: Annotated[dict[str, str], Field(min_length=1, max_length=32)]


@settings_type
class GrafanaOperator:
    """How grafana-operator finds the dashboards of models."""

    instance_selector: InstanceSelector
    """Which Grafanas take them."""


@dataclass(frozen=True)
class FoundLabels:
    """Labels that the selectors of Prometheus and Alertmanager require of the children in one namespace.

    Each field is named like the setting that it adds to; its pairs of key and value are sorted.
    """

    service_monitor_labels: tuple[tuple[str, str], ...] = ()
    prometheus_rule_labels: tuple[tuple[str, str], ...] = ()
    alertmanager_config_labels: tuple[tuple[str, str], ...] = ()


NO_LABELS = FoundLabels()


@settings_type
class ListenTls:
    """Files of the certificate with which the operator's HTTP endpoint is served; read again when they change."""

    cert_file: Annotated[str, Field(min_length=1)]
    """File with the certificate, followed by those of its issuers."""
    key_file: Annotated[str, Field(min_length=1)]
    """File with its private key, without a password."""


@settings_type
class Settings:
    """Settings of the operator; docs/settings.md explains each."""

    namespaces: tuple[DnsLabel, ...] = ()
    """Namespaces to serve; all of them when empty."""
    labels: Literal["auto", "configured"] = "auto"
    """Whether the labels below are completed with those that the selectors in the cluster require."""
    service_monitor_labels: LabelMap = Field(default_factory=dict)
    """Labels that a Prometheus asks of the ServiceMonitors that it selects, e.g. release: kps."""
    prometheus_rule_labels: LabelMap = Field(default_factory=dict)
    """Labels that a Prometheus asks of the PrometheusRules that it selects."""
    alertmanager_config_labels: LabelMap = Field(default_factory=dict)
    """Labels that an Alertmanager asks of the AlertmanagerConfigs that it selects."""
    dashboard_labels: LabelMap = Field(default_factory=lambda: {"grafana_dashboard": "1"})
    """Labels by which Grafana's dashboard sidecar finds ConfigMaps."""
    dashboard_folder_annotation: str = "grafana_folder"
    """Annotation in which the sidecar looks for the folder."""
    dashboard_datasource: Annotated[str, AfterValidator(_expression)] = ""
    """Regular expression of the names of the data sources that dashboards offer; all of Prometheus when empty."""
    grafana_operator: GrafanaOperator | None = None
    """Makes a GrafanaDashboard for each model, where a grafana-operator runs; no such objects when left out."""
    workers: Annotated[int, Field(ge=1, le=128)] = 16
    """Models that are reconciled at the same time."""
    resync_seconds: Annotated[float, Field(gt=0)] = 600
    """Time between two full lists, which heal what a watch may have missed."""
    recheck_seconds: Annotated[float, Field(gt=0)] = 120
    """Time after which an obstacle that no watch shows is looked at again: a foreign object, a missing right."""
    discovery_seconds: Annotated[float, Field(gt=0)] = 60
    """Time between two looks for custom resources that were installed or removed."""
    listen: Listen = "127.0.0.1:8080"
    """Address and port of /healthz, /readyz and /metrics; nothing is served when empty. Port 0 is any free one."""
    tls: ListenTls | None = None
    """Certificate of that address; it is plain HTTP when left out."""
    metrics_authentication: Literal["none", "kubernetes"] = "none"
    """Who may read /metrics: everyone, or users of the cluster that may get the URL /metrics, with a bearer token."""
    leader_election: bool = True
    """Whether several operators may run, of which one works and the others stand by."""
    lease_namespace: str = ""
    """Namespace of the Lease; when empty that of the operator's pod, and `default` outside of a cluster."""
    lease_name: Annotated[str, Field(min_length=1)] = "monitored-models"
    """Name of the Lease. Operators that serve different namespaces need different ones."""
    hang_timeout_seconds: Annotated[float, Field(ge=5, le=3600)] = 60
    """Time for which the event loop of the work may stand still. After it, the process ends, and its Lease expires."""
    request_timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 30
    """Time after which a request to the API server has failed."""
    monitoring: Annotated[dict[str, Any], AfterValidator(_without_notifications)] = Field(default_factory=dict)
    """How all models are watched where neither they nor a MonitoringProfile say it: the fields of a profile's spec."""
    runtimes: Annotated[tuple[RuntimeProfile, ...], AfterValidator(_own_runtimes)] = ()
    """Runtime profiles beside the built-in ones, as in operator/monitored_models/runtimes."""
    runbook_url: BaseAddress = ""
    """Address below which each alert has a page of its name; alerts name the page of this project's docs when empty."""
    grafana_url: BaseAddress = ""
    """Address of Grafana for people; when empty that of `grafana`, and without one alerts name their dashboard by its path."""
    grafana: Grafana | None = None
    """The Grafana that is asked; none when left out."""

    def with_found(self, found: FoundLabels) -> Settings:
        """The settings with found labels added; a configured label wins over a found one of the same key."""
        labels: Any = {name: {**dict(pairs), **getattr(self, name)} for name, pairs in vars(found).items()}
        return replace(self, **labels)

    @property
    def dashboards_url(self) -> str:
        """Address below which people find dashboards, without a slash at the end; empty where none is known."""
        return (self.grafana_url or (self.grafana.url if self.grafana else "")).rstrip("/")

    @property
    def platform(self) -> PlatformDefaults:
        """What these settings bring to every model."""
        own = {profile.id: profile for profile in self.runtimes}
        return PlatformDefaults(runtimes={**builtin_runtimes(), **own}, monitoring=self.monitoring)


class InvalidSettings(Exception):
    """The settings file cannot be used; the message names the field."""


def load(path: Path | None) -> Settings:
    """Settings from a YAML file, or the defaults. Raises InvalidSettings."""
    if path is None:
        return Settings()
    try:
        given = [document for document in documents(str(path), text(path)) if document is not None]
        if len(given) > 1:
            raise InvalidSettings(f"{path}: holds {len(given)} documents; one is expected")
        loaded = TypeAdapter(Settings).validate_json(json.dumps(given[0] if given else {}))
    except UnreadableFile as error:
        raise InvalidSettings(str(error)) from error
    except pydantic.ValidationError as error:
        details = error.errors(include_url=False)
        raise InvalidSettings("; ".join(f"{path}: {_describe(detail)}" for detail in details)) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidSettings(f"{path}: {error}") from error
    if wrong := profile_problems(loaded.monitoring, where="monitoring"):
        raise InvalidSettings("; ".join(f"{path}: {problem}" for problem in wrong.problems))
    return loaded


def _describe(detail: Any) -> str:
    message = detail["msg"].removeprefix("Value error, ")
    return f"{'.'.join(map(str, detail['loc']))}: {message[:1].lower()}{message[1:]}"
