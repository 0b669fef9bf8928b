"""Who is notified of which alerts, and when not."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ...base.schema_types import spec_type
from ..fields import (
    CHANNEL,
    CLOCK,
    CLOCK_END,
    DATA_KEY,
    LOGIN,
    MAILBOX,
    MAILBOXES,
    SMARTHOST,
    DnsLabel,
    Duration,
    ObjectName,
    Severity,
)


@spec_type
class SecretKey:
    """A key of a Secret of the same namespace. The operator never reads it: prometheus-operator does."""

    name: ObjectName
    """Name of the Secret."""
    key: Annotated[str, Field(pattern=DATA_KEY, max_length=253)]
    """Key in it."""


@spec_type
class SlackTarget:
    """A channel of Slack, or of what takes the same messages."""

    # Texts that Alertmanager takes for templates have patterns that no template matches.
    channel: Annotated[str, Field(pattern=CHANNEL, max_length=80)]
    """Channel or user: #risk-ml, @ada, or an ID."""
    webhook_url: Annotated[SecretKey, Field(alias="webhookURL")]
    """Where the address of the incoming webhook is."""


@spec_type
class PagerDutyTarget:
    """A service of PagerDuty, by its Events API v2."""

    routing_key: SecretKey
    """Where the integration key is."""


@spec_type
class EmailTarget:
    """A mailbox."""

    to: Annotated[str, Field(pattern=MAILBOXES, max_length=512)]
    """Address of whom to tell; several with commas."""
    from_: Annotated[
        str, Field(alias="from", pattern=MAILBOX, max_length=254, description="Address that it comes from.")
    ]
    smarthost: Annotated[str, Field(pattern=SMARTHOST, max_length=259)]
    """Server that sends it, as host:port."""
    auth_username: Annotated[str, Field(pattern=LOGIN, max_length=254)] | None = None
    """Name to log in with."""
    auth_password: SecretKey | None = None
    """Where the password is."""
    require_tls: Annotated[bool, Field(alias="requireTLS")] = True
    """Whether nothing is sent without TLS."""


@spec_type
class WebhookTarget:
    """A web service that takes Alertmanager's own JSON."""

    url: SecretKey
    """Where its address is."""


Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


@spec_type
class TimeRange:
    """A part of a day, in UTC."""

    start: Annotated[str, Field(pattern=CLOCK, max_length=5)]
    """When it begins: 22:00."""
    end: Annotated[str, Field(pattern=CLOCK_END, max_length=5)]
    """When it ends: 06:00 is that of the next day where start is later, 24:00 the end of the day."""


@spec_type
class MuteTimeInterval:
    """When nobody is told. What still fires afterwards is told then."""

    days: Annotated[list[Day], Field(max_length=7)] = Field(default_factory=list)
    """Days of the week; every day when left out."""
    times: Annotated[list[TimeRange], Field(max_length=4)] = Field(default_factory=list)
    """Parts of these days; the whole day when left out."""


def _usual() -> list[Severity]:
    return ["critical", "warning"]


@spec_type
class Notification:
    """Who is told of which alerts. Exactly one of slack, pagerDuty, email and webhook."""

    name: Annotated[DnsLabel, Field(max_length=40)]
    """Name of the receiver, unique in this list."""
    severities: Annotated[list[Severity], Field(min_length=1, max_length=3)] = Field(default_factory=_usual)
    """Severities of the alerts that are told; critical and warning when left out."""
    slack: SlackTarget | None = None
    """Tell a channel of Slack."""
    pager_duty: PagerDutyTarget | None = None
    """Tell PagerDuty."""
    email: EmailTarget | None = None
    """Send mail."""
    webhook: WebhookTarget | None = None
    """Call a web service."""
    send_resolved: bool = True
    """Whether the end is told too."""
    group_wait: Duration = "30s"
    """Time for more alerts on the same model and signal to join before the first message."""
    group_interval: Duration = "5m"
    """Time between two messages when alerts join or end."""
    repeat_interval: Duration = "12h"
    """Time after which it is told again that nothing has changed; not below groupInterval."""
    mute_time_intervals: Annotated[list[MuteTimeInterval], Field(max_length=4)] = Field(default_factory=list)
    """When nobody is told."""
