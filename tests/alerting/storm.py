"""What many models that fail at once come to: `python -m alerting.storm` writes docs/alert-storm.md.

A minute of the real world is a second here, or as many as are given: how long alerts hold, and how soon a group is told of more, so
that alerts come in the order in which they would. Rules are those of a fleet: with one set for each model, evaluating them is all that a
small machine would do.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import measured_sections
from alerting import harness as rig_module
from alerting.harness import Rig
from alerting.routing import GROUP_BY, USUAL, Notification, Object, amc_for_tests
from monitored_models.api.fields import seconds

MODELS, NAMESPACES = 200, 4
SLACK = 1.1
LOOKS = 2.0
"""Minutes between two scrapes, and between two evaluations of a rule."""
GROUP_MINUTES = 5.0
WIDE = ("namespace", "signal")
"""What messages would be grouped by, to compare: whatever the model."""
WAYS = {
    "pagerDuty": "PagerDuty: critical",
    "slack": "Slack: all",
    "email": "mail: warning, info",
    "webhook": "webhook: all",
}

Alert = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Storm:
    """What happens to every model at once, and what ends it."""

    title: str
    begins: dict[str, Any]
    ends: dict[str, Any]
    alerts: tuple[str, ...]
    """Those that each model then has."""
    most: dict[str, int]
    """The most messages for each model, by each way."""
    signals: int
    """What these alerts are about: messages for each namespace, were they grouped by WIDE."""


STORMS = {
    "dependency": Storm(
        "What all models read from breaks: errors, slow answers, inputs and answers that are wrong",
        {"failing": True, "slow": True, "accuracy": 0.5, "precision": 0.5, "drift": 0.4},
        {"failing": False, "slow": False, "accuracy": 0.95, "precision": 0.95, "drift": 0.02},
        (
            "ModelAccuracyLow",
            "ModelDriftModerate",
            "ModelDriftSevere",
            "ModelErrorRatioHigh",
            "ModelLatencyHigh",
            "ModelPrecisionLow",
        ),
        most={"pagerDuty": 2, "slack": 4, "email": 2, "webhook": 4},  # availability, latency, quality, drift
        signals=4,
    ),
    "pods": Storm(
        "All pods are lost: no model answers",
        {"gone": True},
        {"gone": False},
        ("ModelReplicasMissing", "ModelTargetDown"),
        # The warning holds for less long than the critical alert that silences it from then on.
        most={"pagerDuty": 1, "slack": 2, "email": 1, "webhook": 2},
        signals=2,
    ),
}


@dataclass(frozen=True)
class Result:
    """One storm's count."""

    storm: Storm
    firing: int
    before: Counter[str]
    """Firing alerts that each way is for."""
    after: Counter[str]
    """Messages that came by each way while alerts fired."""
    resolved: Counter[str]
    wide: int
    """Messages by the last way, had they been grouped by WIDE."""

    def too_many(self, count: int) -> list[str]:
        """What is beyond the bounds, for so many models. A slow machine may tell some twice."""
        most = {way: SLACK * count * each for way, each in self.storm.most.items()}
        found = [f"{self.after[way]} by {way}" for way, limit in most.items() if not 0 < self.after[way] <= limit]
        found += [
            f"{self.resolved[way]} ends by {way}" for way, limit in most.items() if not 0 < self.resolved[way] <= limit
        ]
        return found + ([f"{self.wide} grouped widely"] if self.wide > 2 * self.storm.signals * NAMESPACES else [])


def models(count: int = MODELS) -> list[tuple[str, str]]:
    """Namespaces and names."""
    return [(f"team-{number % NAMESPACES}", f"model-{number:03d}") for number in range(count)]


def grouped_widely(amc: Object) -> Object:
    """The same under another name, with messages that are about all models of a namespace."""
    for route in (amc["spec"]["route"], *amc["spec"]["route"]["routes"]):
        route["groupBy"] = list(WIDE)
    return {**amc, "metadata": {**amc["metadata"], "name": "wide"}}


@contextmanager
def running(folder: Path, count: int = MODELS, minute: float = 1.0) -> Iterator[Rig]:
    """So many models, in some namespaces, each of which has every way of being told; a minute takes so many seconds."""

    def lasting(minutes: float) -> str:
        return f"{1000 * minutes * minute:.0f}ms"

    def shorten(hold: str) -> str:
        return lasting(seconds(hold) / 60)

    with rig_module.running(folder, models(count), interval=lasting(LOOKS), shorten=shorten, together=True) as rig:
        # Longer than half a minute would be, since the machine is not faster; but less than the minutes between two alerts.
        times = {
            "groupWait": lasting(3),
            "groupInterval": lasting(GROUP_MINUTES),
            "repeatInterval": lasting(4 * 60),
        }
        for namespace in sorted({namespace for namespace, _ in models(count)}):
            rig.tenant(namespace)
            rig.route(
                amc_for_tests(namespace, rig.sinks, USUAL, **times),
                grouped_widely(amc_for_tests(namespace, rig.sinks, [Notification("log", "webhook")], **times)),
            )
        yield rig


def measure(rig: Rig, storm: Storm, minute: float = 1.0) -> Result:
    """Let a storm come and go, where a minute takes so many seconds."""
    begin, count = len(rig.sinks.messages), len(rig.fleet)
    rig.fleet.set_all(**storm.begins)
    seen: set[Alert] = set()
    wanted = count * len(storm.alerts)

    def every_alert_fires() -> bool:
        seen.update(firing(rig))
        return len(seen) >= wanted

    rig.wait(f"{wanted} alerts", every_alert_fires, 120 * minute)
    settle(rig, GROUP_MINUTES * minute)
    told = rig.sinks.messages[begin:]
    middle = len(rig.sinks.messages)
    rig.fleet.set_all(**storm.ends)
    rig.wait("the end", lambda: not firing(rig), 60 * minute)
    settle(rig, GROUP_MINUTES * minute)
    after = [message for message in told if "/wide/" not in message.text]
    ended = [message for message in rig.sinks.messages[middle:] if "/wide/" not in message.text]
    severities = Counter(dict(alert)["severity"] for alert in seen)
    return Result(
        storm,
        len(seen),
        Counter({each.kind: sum(severities[severity] for severity in each.severities) for each in USUAL}),
        Counter(message.kind for message in after),
        Counter(message.kind for message in ended if message.resolved),
        len(told) - len(after),
    )


def firing(rig: Rig) -> set[Alert]:
    """Alerts that fire in Prometheus, by their labels."""
    return {
        tuple(sorted(alert["labels"].items()))
        for alert in rig.prometheus.get("alerts")["alerts"]
        if alert["state"] == "firing"
    }


def settle(rig: Rig, quiet: float) -> None:
    """Wait until no message has come for as long as a group waits for more."""
    deadline = time.monotonic() + 18 * quiet
    seen, since = len(rig.sinks.messages), time.monotonic()
    while time.monotonic() - since < quiet:
        assert time.monotonic() < deadline, "messages never end"
        time.sleep(0.2)
        if (now := len(rig.sinks.messages)) != seen:
            seen, since = now, time.monotonic()


def report(results: list[Result], count: int) -> str:
    """The measured part of the page."""
    lines = [f"{count} models in {NAMESPACES} namespaces, {len(USUAL)} ways of being told in each.", ""]
    for result in results:
        lines += [
            f"**{result.storm.title}.** {result.firing} alerts fire: {', '.join(result.storm.alerts)}.",
            "",
            "| way | alerts for it | messages | of their end |",
            "| :--- | ---: | ---: | ---: |",
        ]
        lines += [
            f"| {title} | {result.before[kind]} | {result.after[kind]} | {result.resolved[kind]} |"
            for kind, title in WAYS.items()
        ]
        by, wide = ", ".join(GROUP_BY), ", ".join(WIDE)
        lines += [
            "",
            f"The webhook's messages, grouped by {by}: {result.after['webhook']}; were they grouped by {wide}: {result.wide}.",
            "",
        ]
    return "\n".join(lines)


def main() -> None:
    """Measure all storms."""
    parser = argparse.ArgumentParser(prog="python -m alerting.storm", description=__doc__)
    parser.add_argument("--models", type=int, default=MODELS)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), arguments.models) as rig:
        results = [measure(rig, storm) for storm in STORMS.values()]
    beyond = [f"{result.storm.title}: {each}" for result in results for each in result.too_many(arguments.models)]
    print("\n".join(beyond))
    measured_sections.conclude(report(results, arguments.models), arguments.out, alarm=bool(beyond))


if __name__ == "__main__":
    main()
