"""Message templates of Alertmanager, short enough for a phone.

A message covers one signal of one model; its group labels are namespace, model and signal. No text of a spec is used
as a template. Values of an alert are escaped where the target format has markup.
"""

from __future__ import annotations

SHOWN = 5
"""Number of alerts that a message lists. It counts the others."""

_WHO = "{{ .GroupLabels.namespace }}/{{ .GroupLabels.monitored_model }}"
_SEVERITY = "{{ if .CommonLabels.severity }}{{ .CommonLabels.severity }}{{ else }}critical{{ end }}"
_STATE = f'{{{{ if eq .Status "resolved" }}}}Resolved{{{{ else }}}}{_SEVERITY}{{{{ end }}}}'
_WHAT = (
    "{{ if .CommonAnnotations.summary }}{{ .CommonAnnotations.summary }}"
    "{{ else }}{{ len .Alerts }} alerts on its {{ .GroupLabels.signal }}.{{ end }}"
)
TITLE = f"{_STATE}: {_WHO}: {_WHAT}"
"""One line: severity, model, summary."""

SEVERITY = _SEVERITY
"""The common severity of the alerts, or critical if they differ."""
COLOR = (
    '{{ if eq .Status "resolved" }}good{{ else if eq .CommonLabels.severity "info" "warning" }}warning'
    "{{ else }}danger{{ end }}"
)
SOURCE = _WHO
SIGNAL = "{{ .GroupLabels.signal }}"
NAMESPACE = "{{ .GroupLabels.namespace }}"
MODEL = "{{ .GroupLabels.monitored_model }}"
DASHBOARD = "{{ .CommonAnnotations.dashboard_url }}"
RUNBOOK = (
    "{{ range $number, $alert := .Alerts }}{{ if lt $number 1 }}{{ $alert.Annotations.runbook_url }}{{ end }}{{ end }}"
)
"""Runbook URL of the first alert."""
LINK = '{{ if match "^https?://" .CommonAnnotations.dashboard_url }}{{ .CommonAnnotations.dashboard_url }}{{ end }}'
"""URL of the dashboard; empty unless it is an http or https URL."""

_TIME = '"2006-01-02 15:04 UTC"'


def _each(alerts: str, line: str) -> str:
    """Render one line per alert for the first alerts, and the total if there are more."""
    left = (
        f"{{{{ if gt (len .Alerts.{alerts}) {SHOWN} }}}}and more: {{{{ len .Alerts.{alerts} }}}} in all\n{{{{ end }}}}"
    )
    return (
        f"{{{{ range $number, $alert := .Alerts.{alerts} }}}}{{{{ if lt $number {SHOWN} }}}}"
        f"{{{{ with $alert }}}}{line}{{{{ end }}}}{{{{ end }}}}{{{{ end }}}}{left}"
    )


def _since(time: str) -> str:
    return f"{{{{ .{time}.UTC.Format {_TIME} }}}}"


FIRING = _each("Firing", f"{{{{ .Annotations.description }}}}\nSince {_since('StartsAt')}\n")
"""Description, with its value, and start time of each firing alert."""
RESOLVED = _each(
    "Resolved",
    f"Resolved: {{{{ .Annotations.summary }}}}\nFrom {_since('StartsAt')} to {_since('EndsAt')}\n",
)
TEXT = f"{FIRING}{RESOLVED}Runbook: {RUNBOOK}\nDashboard: {DASHBOARD}\n"
"""Plain text, for email."""


def _slack(field: str) -> str:
    """Escape a field for Slack, so that it contains no link and no mention."""
    return f'{{{{ {field} | reReplaceAll "&" "&amp;" | reReplaceAll "<" "&lt;" | reReplaceAll ">" "&gt;" }}}}'


def _slack_link(field: str, text: str) -> str:
    return (
        f'{{{{ if match "^https?://[^|<>\\\\s]+$" {field} }}}}<{{{{ {field} }}}}|{text}>'
        f"{{{{ else }}}}{text}: {_slack(field)}{{{{ end }}}}"
    )


SLACK_TEXT = (
    _each(
        "Firing",
        f"{_slack('.Annotations.description')}\nSince {_since('StartsAt')} · "
        f"{_slack_link('.Annotations.runbook_url', 'Runbook')}\n",
    )
    + _each(
        "Resolved",
        f"Resolved: {_slack('.Annotations.summary')}\nFrom {_since('StartsAt')} to {_since('EndsAt')}\n",
    )
    + _slack_link(".CommonAnnotations.dashboard_url", "Dashboard")
)


def _html_link(field: str, text: str) -> str:
    return (
        f'{{{{ if match "^https?://" {field} }}}}<a href="{{{{ {field} }}}}">{text}</a>'
        f"{{{{ else }}}}{text}: {{{{ {field} }}}}{{{{ end }}}}"
    )


HTML = (
    f"<p><b>{TITLE}</b></p>"
    + _each(
        "Firing",
        f"<p>{{{{ .Annotations.description }}}}<br>Since {_since('StartsAt')}<br>"
        f"{_html_link('.Annotations.runbook_url', 'Runbook')}</p>",
    )
    + _each(
        "Resolved",
        f"<p>Resolved: {{{{ .Annotations.summary }}}}<br>From {_since('StartsAt')} to {_since('EndsAt')}</p>",
    )
    + f"<p>{_html_link('.CommonAnnotations.dashboard_url', 'Dashboard')}</p>"
)
"""HTML, for email. Alertmanager escapes the inserted values."""
