"""The values of the chart's admission policies, as types."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from ..base.schema_types import settings_type


@settings_type
class GpuLimits:
    """Maximum number of GPUs of one model: those of a replica times its maximum number of replicas; -1 for any number.

    In a limited namespace `kubectl scale` cannot add replicas, because no policy can count their GPUs.
    """

    default: Annotated[int, Field(ge=-1)] = -1
    """In namespaces that are not listed."""
    namespaces: dict[str, Annotated[int, Field(ge=-1)]] = Field(default_factory=dict)
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
    images: list[str] = Field(default_factory=list)
    """Regular expressions (RE2); a model's image must match one entirely. All images are allowed when empty."""
    gpus: GpuLimits = Field(default_factory=GpuLimits)
    receivers: AllowedReceivers = Field(default_factory=AllowedReceivers)
    email_domains: list[str] = Field(default_factory=list)
    """Domains that mail may go to; all when empty."""
    smarthosts: list[str] = Field(default_factory=list)
    """Servers that mail may be sent through, as `host:port`; all when empty."""
    namespace_selector: dict[str, Any] = Field(default_factory=dict)
    """Namespaces that the policies apply to; all when empty."""
