"""Where notifications end: a mail server, and pages that take what Slack, PagerDuty and a webhook take, and refuse the rest.

The limits are those that the services document. Slack: at most 100 attachments, a message of at most 40,000 characters, titles
and footers that it does not cut, colors by name or as #rrggbb; the answer is the text `ok`. PagerDuty's Events API version 2: a
summary of at most 1,024 characters, a source, one of four severities, a deduplication key of at most 255 characters, an
event of at most 512 KB; the answer is 202. Alertmanager's webhook: version 4.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import html
import json
import logging
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from monitored_models.render.rules.alerts.groups import ALERTS
from monitored_models.render.rules.alerts.objective_alerts import OBJECTIVES
from testbed.processes import free_port

JSON = dict[str, Any]
SEVERITIES = ("critical", "error", "warning", "info")
SMTP_USER, SMTP_PASSWORD = "alerts", "post-horn"
_SUMMARIES = {each.name: each.summary for each in ALERTS} | {each.name: each.summary for each in OBJECTIVES}


@dataclass(frozen=True)
class Message:
    """One notification: what it came by, to whom, and what it says."""

    kind: str
    to: str
    """Slack: the last part of the URL; PagerDuty: the routing key; mail: the address; webhook: the last part of the URL."""
    resolved: bool
    title: str
    body: Any
    at: float

    @property
    def text(self) -> str:
        """All that it says."""
        return self.body if isinstance(self.body, str) else json.dumps(self.body, ensure_ascii=False)

    @property
    def firing(self) -> set[str]:
        """Names of the alerts that fire, of a webhook's message."""
        return {alert["labels"]["alertname"] for alert in self.body["alerts"] if alert["status"] == "firing"}

    @property
    def alerts(self) -> set[str]:
        """The operator's alerts in it: named, or by what they say."""
        text = html.unescape(self.text)
        return {name for name, summary in _SUMMARIES.items() if name in text or summary in text}


# --- what the services refuse ---


def slack_problems(body: JSON) -> list[str]:
    """What Slack would refuse, cut or not show of an incoming webhook's message."""
    attachments = body.get("attachments", [])
    found = [f"field {name}" for name in body.keys() - {"channel", "username", "attachments", "icon_emoji", "icon_url"}]
    if not re.fullmatch(r"[#@]?[a-z0-9._-]{1,80}", body.get("channel", "#any")):
        found.append(f"channel {body['channel']!r}")
    if not 0 < len(body.get("username", "any")) <= 80:
        found.append("username")
    if not 1 <= len(attachments) <= 100:
        found.append(f"{len(attachments)} attachments")
    if sum(len(str(each.get(part, ""))) for each in attachments for part in ("pretext", "text")) > 40_000:
        found.append("text of more than 40,000 characters")
    return found + [problem for each in attachments for problem in _attachment_problems(each)]


def _attachment_problems(attachment: JSON) -> list[str]:
    checks = {
        "an attachment that says nothing": attachment.get("title") or attachment.get("text"),
        "no fallback": attachment.get("fallback"),
        "title of more than 1,024 characters": len(attachment.get("title", "")) <= 1024,
        "footer of more than 300 characters": len(attachment.get("footer", "")) <= 300,
        "color": re.fullmatch(r"good|warning|danger|#[0-9a-fA-F]{6}", attachment.get("color", "good")),
        "more than 5 actions": len(attachment.get("actions", [])) <= 5,
    }
    return [problem for problem, fine in checks.items() if not fine]


def pagerduty_problems(body: JSON) -> list[str]:
    """What PagerDuty's Events API version 2 would refuse or cut."""
    payload = body.get("payload", {})
    found = []
    if not re.fullmatch(r"[0-9a-zA-Z]{32}", body.get("routing_key", "")):
        found.append("routing_key")
    if body.get("event_action") not in ("trigger", "resolve"):
        found.append(f"event_action {body.get('event_action')!r}")
    if not 0 < len(body.get("dedup_key", "")) <= 255:
        found.append("dedup_key")
    if not 0 < len(payload.get("summary", "")) <= 1024:
        found.append("summary")
    if not payload.get("source"):
        found.append("source")
    if payload.get("severity") not in SEVERITIES:
        found.append(f"severity {payload.get('severity')!r}")
    if len(json.dumps(body)) > 512_000:
        found.append("event of more than 512 KB")
    return found


def webhook_problems(body: JSON) -> list[str]:
    """What is not as Alertmanager describes its webhook."""
    wanted = {"version", "groupKey", "status", "receiver", "groupLabels", "commonLabels", "commonAnnotations", "alerts"}
    found = [f"no {name}" for name in wanted - body.keys()]
    if body.get("version") != "4":
        found.append(f"version {body.get('version')!r}")
    if body.get("status") not in ("firing", "resolved"):
        found.append(f"status {body.get('status')!r}")
    for alert in body.get("alerts", ()):
        found += [f"alert without {name}" for name in {"status", "labels", "annotations", "fingerprint"} - alert.keys()]
    return found + ([] if body.get("alerts") else ["no alerts"])


# --- the servers ---


@dataclass
class Sinks:
    """What has come in so far, and what was refused."""

    url: str = ""
    smarthost: str = ""
    messages: list[Message] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def of(self, kind: str, to: str, *, resolved: bool | None = None) -> list[Message]:
        """Messages that came by one way to one receiver, oldest first."""
        return [
            message
            for message in list(self.messages)
            if (message.kind, message.to) == (kind, to) and resolved in (None, message.resolved)
        ]

    def slack(self, name: str) -> str:
        """The URL of a Slack channel's webhook, as its Secret would hold it."""
        return f"{self.url}/slack/{name}"

    def hook(self, name: str) -> str:
        """The URL of a webhook."""
        return f"{self.url}/hook/{name}"

    @property
    def pagerduty(self) -> str:
        """What stands for https://events.pagerduty.com/v2/enqueue."""
        return f"{self.url}/v2/enqueue"

    def take(self, kind: str, to: str, *, resolved: bool, title: str, body: Any) -> None:
        """Keep a message."""
        self.messages.append(Message(kind, to, resolved, title, body, time.monotonic()))

    # --- pages ---

    async def _slack(self, request: web.Request) -> web.Response:
        body = await request.json()
        if found := slack_problems(body):
            self.problems += [f"slack: {problem}: {body}" for problem in found]
            return web.Response(status=400, text="invalid_payload")
        title = body["attachments"][0]["title"]
        self.take("slack", request.match_info["name"], resolved=title.startswith("Resolved"), title=title, body=body)
        return web.Response(text="ok")

    async def _pagerduty(self, request: web.Request) -> web.Response:
        body = await request.json()
        if found := pagerduty_problems(body):
            self.problems += [f"pagerduty: {problem}: {body}" for problem in found]
            return web.json_response({"status": "invalid event", "errors": found}, status=400)
        resolved = body["event_action"] == "resolve"
        self.take("pagerDuty", body["routing_key"], resolved=resolved, title=body["payload"]["summary"], body=body)
        return web.json_response({"status": "success", "dedup_key": body["dedup_key"]}, status=202)

    async def _webhook(self, request: web.Request) -> web.Response:
        body = await request.json()
        if found := webhook_problems(body):
            self.problems += [f"webhook: {problem}: {body}" for problem in found]
            return web.Response(status=400)
        resolved = body["status"] == "resolved"
        self.take("webhook", request.match_info["name"], resolved=resolved, title=body["groupKey"], body=body)
        return web.Response()

    def application(self) -> web.Application:
        """The pages."""
        application = web.Application(client_max_size=2**24)
        application.router.add_post("/slack/{name}", self._slack)
        application.router.add_post("/v2/enqueue", self._pagerduty)
        application.router.add_post("/hook/{name}", self._webhook)
        return application

    # --- mail: aiosmtpd calls these by name ---

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep a mail for each of its recipients."""
        content = envelope.content
        assert isinstance(content, bytes)
        mail = email.message_from_bytes(content, policy=email.policy.default)
        missing = [name for name in ("From", "To", "Subject", "Date", "Message-Id") if not mail[name]]
        self.problems += [f"mail: no {name}" for name in missing]
        part = mail.get_body(("plain", "html"))
        text = part.get_content() if part else ""
        subject = str(mail["Subject"])
        for to in envelope.rcpt_tos:
            self.take(
                "email", str(to), resolved=subject.startswith("Resolved"), title=subject, body=f"{subject}\n{text}"
            )
        return "250 OK"


def _authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
    expected = LoginPassword(SMTP_USER.encode(), SMTP_PASSWORD.encode())
    return AuthResult(success=data == expected, handled=False)


@contextmanager
def served(application: Callable[[], web.Application]) -> Iterator[str]:
    """Serve pages on loopback from a thread of their own, and give their URL."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    url: list[str] = []

    async def begin() -> web.AppRunner:
        runner = web.AppRunner(application(), access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        url.append(f"http://{host}:{port}")
        return runner

    def serve() -> None:
        runner = loop.run_until_complete(begin())
        ready.set()
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        assert ready.wait(10), "no server"
        yield url[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


@contextmanager
def running(certificate: Path, key: Path) -> Iterator[Sinks]:
    """The servers. Mail is taken after STARTTLS, with that certificate, and a login only."""
    sinks = Sinks()
    logging.getLogger("mail.log").setLevel(
        logging.ERROR
    )  # aiosmtpd warns of its own deprecated attribute at each login
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    port = free_port()  # aiosmtpd connects to its own port once, so it must know it
    controller = Controller(
        sinks,
        hostname="127.0.0.1",
        port=port,
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=_authenticate,
        auth_exclude_mechanism=["LOGIN"],  # Alertmanager would take it, and does not know aiosmtpd's wording
    )
    with served(sinks.application) as url:
        sinks.url = url
        controller.start()
        try:
            sinks.smarthost = f"127.0.0.1:{port}"
            yield sinks
        finally:
            controller.stop()
