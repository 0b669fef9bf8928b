"""The values of the chart for its admission policies: which images, how many GPUs, who may notify whom."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ..base.schema_types import settings_type
from .value_types import Object, list_value, object_value


@settings_type
class GpuLimits:
    """Maximum number of GPUs of one model: those of a replica times its maximum number of replicas; -1 for any number.

    In a limited namespace, `kubectl scale` cannot add replicas, because the policy cannot count their GPUs.
    """

    default: Annotated[int, Field(ge=-1)] = -1
    """In namespaces that are not listed."""
    namespaces: dict[str, Annotated[int, Field(ge=-1)]] = object_value()
    """By namespace. The sum over all models needs a ResourceQuota on `requests.nvidia.com/gpu`."""


@settings_type
class AllowedReceivers:
    """Who may notify whom: namespaces by the kind of receiver. A kind that is left out is allowed everywhere.

    Addresses of Slack and of webhooks are in Secrets, which no policy reads.
    """

    slack: list[str] | None = None
    """Namespaces whose models and profiles may notify Slack."""
    pager_duty: list[str] | None = None
    """Namespaces whose models and profiles may notify PagerDuty."""
    email: list[str] | None = None
    """Namespaces whose models and profiles may send mail."""
    webhook: list[str] | None = None
    """Namespaces whose models and profiles may notify webhooks."""


@settings_type
class AdmissionPolicy:
    """Optional ValidatingAdmissionPolicies for models and profiles. A field that is older than the policy may stay as it is."""

    enabled: bool = False
    """Create the policies and their bindings."""
    images: list[str] = list_value()
    """Regular expressions (RE2); a model's image must match one entirely. All images are allowed when empty."""
    gpus: GpuLimits = Field(default_factory=GpuLimits)
    receivers: AllowedReceivers = Field(default_factory=AllowedReceivers)
    email_domains: list[str] = list_value()
    """Domains that mail may go to; all when empty."""
    smarthosts: list[str] = list_value()
    """Servers that mail may be sent through, as `host:port`; all when empty."""
    namespace_selector: Object = object_value()
    """Namespaces that the policies apply to; all when empty."""
