"""The whole way of an alert, from a page of metrics to whom it wakes: nothing between is imitated but the pods.

A page shows models; a Prometheus evaluates the operator's rules on it; an Alertmanager has the configuration that
prometheus-operator makes of the AlertmanagerConfigs on a control plane without nodes; servers take what it sends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alerting import sinks as sinks_module
from alerting.many_models import Fleet
from alerting.routing import Object, secrets
from alerting.sinks import Sinks
from operator_testbed import PATIENCE, Bed
from testbed import alertmanager, prometheus, tools
from testbed.alertmanager import Alertmanager, Configuration
from testbed.controlplane import ControlPlane
from testbed.processes import Process
from testbed.prometheus import Prometheus

PLATFORM, NAME = "platform", "main"
CRDS = ("alertmanagers", "alertmanagerconfigs", "servicemonitors", "podmonitors", "probes", "prometheusrules")


@dataclass
class Rig:
    """All of it, running."""

    bed: Bed
    sinks: Sinks
    fleet: Fleet
    prometheus: Prometheus
    alertmanager: Alertmanager
    prometheus_operator: Process

    def wait(self, what: str, check: Callable[[], Any], timeout: float = PATIENCE) -> Any:
        """Wait until a check gives something true, and give it; what came in meanwhile is in the error."""
        try:
            return self.bed.wait(what, check, timeout)
        except AssertionError as error:
            came = "\n".join(f"  {m.kind} {m.to}: {m.title}" for m in self.sinks.messages[-20:])
            problems = "\n".join(self.sinks.problems[:5])
            raise AssertionError(
                f"{error}\nmessages:\n{came}\n{problems}\n{self.alertmanager.process.tail(5)}"
            ) from error

    def tenant(self, namespace: str) -> None:
        """A namespace with the Secrets of its receivers."""
        self.bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        for secret in secrets(namespace, self.sinks):
            self.bed.apply(secret)

    def route(self, *amcs: Object) -> Configuration:
        """Apply AlertmanagerConfigs and wait until Alertmanager works by them."""
        for amc in amcs:
            self.bed.apply(amc)
        names = {f"{amc['metadata']['namespace']}/{amc['metadata']['name']}/" for amc in amcs}

        def routed(configuration: Configuration) -> bool:
            receivers = [route.get("receiver", "") for route in configuration["route"].get("routes", ())]
            return all(any(receiver.startswith(name) for receiver in receivers) for name in names)

        return self.follow(routed)

    def follow(self, until: Callable[[Configuration], bool]) -> Configuration:
        """Load what prometheus-operator generates until it is as wanted."""
        try:
            return self.alertmanager.follow(
                lambda: alertmanager.generated(self.bed.plane, PLATFORM, NAME), until, timeout=PATIENCE
            )
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.prometheus_operator.tail(5)}") from error

    def metric(self, name: str) -> float:
        """The sum of Alertmanager's own series that begin like this."""
        lines = self.alertmanager.metrics().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))

    def firing(self, **labels: str) -> set[str]:
        """Names of the alerts that fire in Prometheus and have these labels."""
        return {
            alert["labels"]["alertname"]
            for alert in self.prometheus.get("alerts")["alerts"]
            if alert["state"] == "firing" and labels.items() <= alert["labels"].items()
        }

    def silenced(self, **labels: str) -> dict[str, bool]:
        """Alerts in Alertmanager that have these labels: name to whether another inhibits it."""
        return {
            alert["labels"]["alertname"]: bool(alert["status"]["inhibitedBy"])
            for alert in self.alertmanager.alerts()
            if labels.items() <= alert["labels"].items()
        }


def crds() -> list[Path]:
    """Those kinds of prometheus-operator that have a part in this."""
    return [path for path in tools.prometheus_operator_crds() if path.stem.partition("_")[2] in CRDS]


@contextmanager
def control_plane(directory: Path) -> Iterator[Bed]:
    """An API server with prometheus-operator's kinds; the controllers have nothing to do here."""
    with ControlPlane(directory, controllers=False, crds=crds(), audit=False) as plane:
        plane.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PLATFORM}})
        yield Bed(plane, directory)


@contextmanager
def running(
    folder: Path,
    models: Sequence[tuple[str, str]],
    *,
    interval: str = "1s",
    shorten: Callable[[str], str] = lambda _: "1s",
    together: bool = False,
    groups: Sequence[Object] = (),
) -> Iterator[Rig]:
    """Everything, with those models, each a namespace and a name, and further rule groups that are no model's.

    `shorten` gives, for how long an alert has to hold, the time that it has to here. `together`: rules once for
    all models, not for each of them. At the end nothing that came in was malformed.
    """
    with (
        control_plane(folder / "plane") as bed,
        sinks_module.running(bed.directory / "server.crt", bed.directory / "server.key") as sinks,
        Fleet(models).served() as fleet,
        alertmanager.prometheus_operator(bed.plane, folder / "prometheus-operator") as operator,
    ):
        base = {
            "global": {"pagerduty_url": sinks.pagerduty, "resolve_timeout": "5m"},
            "route": {"receiver": "platform", "group_by": ["namespace", "alertname"], "group_wait": "1s"},
            "receivers": [{"name": "platform", "webhook_configs": [{"url": sinks.hook(PLATFORM)}]}],
        }
        alertmanager.declare(bed.plane, PLATFORM, NAME, base)
        rules = fleet.rules_of_all(shorten) if together else fleet.rules(shorten)
        first = bed.wait("configuration", lambda: alertmanager.generated(bed.plane, PLATFORM, NAME))
        with (
            alertmanager.running(folder / "alertmanager", first, trust=bed.plane.ca_file) as bell,
            prometheus.running(
                folder / "prometheus",
                [*rules, *groups],
                interval=interval,
                scrape=fleet.scrape(interval),
                alertmanagers=[bell.address],
            ) as server,
        ):
            rig = Rig(bed, sinks, fleet, server, bell, operator)
            # Before the first scrape no model is to be seen, which is an alert.
            rig.wait("calm", lambda: server.evaluated() and server.query("up") and not rig.firing())
            yield rig
        assert not sinks.problems, sinks.problems[:5]
