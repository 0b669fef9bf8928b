"""What a notification says, as templates of Alertmanager: short enough for a phone, and all of them ours.

A message is about one signal of one model: the namespace, the model and the signal are labels of its group. No text of a spec is
a template. What comes out of an alert is escaped where the place it goes to has a markup.
"""

from __future__ import annotations

SHOWN = 5
"""Alerts of one message that are shown; the rest is counted."""

_WHO = "{{ .GroupLabels.namespace }}/{{ .GroupLabels.monitored_model }}"
_SEVERITY = "{{ if .CommonLabels.severity }}{{ .CommonLabels.severity }}{{ else }}critical{{ end }}"
_STATE = f'{{{{ if eq .Status "resolved" }}}}Resolved{{{{ else }}}}{_SEVERITY}{{{{ end }}}}'
_WHAT = (
    "{{ if .CommonAnnotations.summary }}{{ .CommonAnnotations.summary }}"
    "{{ else }}{{ len .Alerts }} alerts on its {{ .GroupLabels.signal }}.{{ end }}"
)
TITLE = f"{_STATE}: {_WHO}: {_WHAT}"
"""One line: how bad, which model, what."""

SEVERITY = _SEVERITY
"""The severity of all alerts, the higher one where they differ: what differs from info and warning is critical."""
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
"""That of the first alert."""
LINK = '{{ if match "^https?://" .CommonAnnotations.dashboard_url }}{{ .CommonAnnotations.dashboard_url }}{{ end }}'
"""The dashboard, where its address is one that can be followed."""

_TIME = '"2006-01-02 15:04 UTC"'


def _each(alerts: str, line: str) -> str:
    """A line for each of the first alerts, and how many more there are."""
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
"""What is wrong, with its value, and since when."""
RESOLVED = _each(
    "Resolved",
    f"Resolved: {{{{ .Annotations.summary }}}}\nFrom {_since('StartsAt')} to {_since('EndsAt')}\n",
)
TEXT = f"{FIRING}{RESOLVED}Runbook: {RUNBOOK}\nDashboard: {DASHBOARD}\n"
"""Plain text, for mail."""


def _slack(field: str) -> str:
    """Text in which nothing is a link or a mention."""
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
"""For mail; Alertmanager escapes what it fills in."""
