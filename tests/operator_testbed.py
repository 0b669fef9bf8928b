"""What tests need around a control plane: namespaces, an operator process, and counts of what it wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

import operator_identity
from monitored_models.naming.kinds import CHILDREN, MODEL, PROFILE, Kind
from operator_identity import OPERATOR
from testbed import tools, used_rights
from testbed.controlplane import ControlPlane, Place
from testbed.processes import Process, start

ROOT = Path(__file__).parents[1]
CRD = ROOT / "crds/monitoredmodels.yaml"
OWN_CRDS = (CRD, ROOT / "crds/monitoringprofiles.yaml")
PROMETHEUS_CRDS = (
    "servicemonitors",
    "prometheusrules",
    "alertmanagerconfigs",
    "podmonitors",
    "probes",
    "_prometheuses",
)
LEASE_NAMESPACE = operator_identity.NAMESPACE
PATIENCE = 90.0
"""Seconds that a test waits for what must happen at all. A promise about time is asserted by the test, not by this."""
WRITES = {"create", "update", "patch", "delete", "deletecollection"}
Object = dict[str, Any]
ON_REQUEST: Object = {
    "autoscaling": {"minReplicas": 2, "maxReplicas": 5},
    "resources": {"requests": {"cpu": "100m"}},
    "disruptionBudget": {"minAvailable": 1},
    "networkPolicy": {},
    "monitoring": {"notifications": [{"name": "hook", "webhook": {"url": {"name": "hook", "key": "url"}}}]},
}
"""What of a model's spec asks for the children that not every model has."""


def model(name: str, namespace: str, **spec: Any) -> Object:
    """A MonitoredModel with an image, and whatever else is given."""
    return {
        "apiVersion": MODEL.api_version,
        "kind": MODEL.name,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"image": "registry.example.com/model:1", **spec},
    }


def profile(name: str, namespace: str, **spec: Any) -> Object:
    """A MonitoringProfile."""
    return {
        "apiVersion": PROFILE.api_version,
        "kind": PROFILE.name,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def child_path(child: Mapping[str, Any]) -> str:
    """Where a child lives."""
    (kind,) = (kind for kind in CHILDREN if kind.name == child["kind"])
    return kind.path(child["metadata"]["namespace"], child["metadata"]["name"])


@dataclass
class Bed:
    """A control plane, with the operator's rights and the tests' small language."""

    plane: ControlPlane
    directory: Path
    operator_user: str = OPERATOR
    """User name of the operator in the audit log."""
    expected_denials: set[str] = field(default_factory=set)
    """Requests that the operator may be refused, as `used_rights.denials` writes them."""
    _audited: list[Object] = field(default_factory=list, init=False, repr=False)
    _audited_bytes: int = field(default=0, init=False, repr=False)

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """An object, or None."""
        status, body = self.plane.request("GET", kind.path(namespace, name))
        assert status in (200, 404), body
        return body if status == 200 else None

    def apply(self, body: Object, **options: Any) -> Object:
        """Server-side apply as someone else than the operator."""
        return self.plane.apply(body, **options)

    def patch(self, kind: Kind, namespace: str, name: str, patch: Object, manager: str = "someone") -> Object:
        """A merge patch, as kubectl edit would send."""
        status, body = self.plane.request(
            "PATCH",
            f"{kind.path(namespace, name)}?fieldManager={manager}",
            patch,
            content_type="application/merge-patch+json",
        )
        assert status == 200, body
        return dict(body)

    def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """Delete an object that exists."""
        status, body = self.plane.request("DELETE", kind.path(namespace, name))
        assert status in (200, 202), body

    def condition(self, namespace: str, name: str, kind: str = "Ready") -> Object:
        """A condition of a model; empty while there is none."""
        return condition_of(self.get(MODEL, namespace, name), kind)

    def wait(self, what: str, check: Callable[[], Any], timeout: float = PATIENCE) -> Any:
        """Wait until a check gives something true, and give it."""
        began = time.monotonic()
        while not (found := check()):
            waited = time.monotonic() - began
            assert waited < timeout, f"not within {timeout:.0f} s: {what}"
            # What takes seconds is looked at less often: looking costs the API server and this process some of the machine.
            time.sleep(min(max(waited / 20, 0.05), 0.25))
        return found

    def wait_gone(self, kind: Kind, namespace: str, name: str, timeout: float = PATIENCE) -> None:
        """Wait until an object does not exist."""
        self.wait(f"{kind.name} {name} gone", lambda: self.get(kind, namespace, name) is None, timeout)

    def wait_writes(self, namespace: str, count: int) -> None:
        """Wait until the operator has written so many times in a namespace."""
        self.wait(f"write {count}", lambda: sum(self.writes(namespace).values()) >= count)

    def wait_for(
        self, namespace: str, name: str, reason: str, kind: str = "Ready", timeout: float = PATIENCE
    ) -> Object:
        """Wait until a condition has a reason for the present generation, and give the condition."""

        def there() -> Object | None:
            body = self.get(MODEL, namespace, name)
            found = condition_of(body, kind)
            current = body and found.get("observedGeneration") == body["metadata"]["generation"]
            return found if current and found.get("reason") == reason else None

        try:
            return dict(self.wait(f"{kind} {reason}", there, timeout))
        except AssertionError as error:
            body = self.get(MODEL, namespace, name)
            seen = "it does not exist" if body is None else f"the status is {json.dumps(body.get('status'), indent=1)}"
            raise AssertionError(f"{error}; {seen}") from error

    def writes(self, namespaces: str | Collection[str], since: int = 0) -> Counter[str]:
        """Writes of the operator in one or several namespaces, as `verb resource[/subresource]`, without Events."""
        counted: Counter[str] = Counter()
        counts = {namespaces} if isinstance(namespaces, str) else set(namespaces)
        for entry in self.audit()[since:]:
            reference = entry.get("objectRef", {})
            ours = entry["user"]["username"] == self.operator_user and reference.get("namespace") in counts
            if ours and entry["verb"] in WRITES and reference["resource"] != "events":
                subresource = f"/{reference['subresource']}" if "subresource" in reference else ""
                counted[f"{entry['verb']} {reference['resource']}{subresource}"] += 1
        return counted

    def audit(self) -> list[Object]:
        """Finished requests, oldest first."""
        # Tests look several times a second, and a long log takes a second to parse: each line is read once.
        with self.plane.audit_log.open("rb") as log:
            log.seek(self._audited_bytes)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                if (entry := json.loads(line))["stage"] == "ResponseComplete":
                    self._audited.append(entry)
                self._audited_bytes += len(line)
        return self._audited

    def quiet(self, namespace: str, seconds: float = 3.0) -> None:
        """Wait until the operator has written nothing in a namespace for some seconds."""
        until_same(lambda: self.writes(namespace), seconds)

    def start_operator(
        self,
        name: str,
        *,
        kubeconfig: Path | None = None,
        module: str = "monitored_models.cli",
        environment: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> Process:
        """The operator as a process of its own, with the ServiceAccount and the roles of the chart."""
        file = self.directory / f"{name}.settings.yaml"
        # Tests kill operators, and should not have to wait until a Lease has run out.
        used = {"listen": "127.0.0.1:0", "leaderElection": False, "leaseNamespace": LEASE_NAMESPACE, **settings}
        file.write_text(yaml.safe_dump(used))
        own = {
            "KUBECONFIG": str(kubeconfig or self.plane.kubeconfig_for("operator")),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT / "tests"), os.environ.get("PYTHONPATH")])),
            **(environment or {}),
        }
        command: list[str | Path] = [sys.executable, "-m", module, "run", "--settings", file]
        return start(name, command, log=self.directory / f"{name}.log", env={**os.environ, **own}, cwd=ROOT)

    @contextmanager
    def operator(self, name: str = "operator", **settings: Any) -> Iterator[Process]:
        """The operator at work. However it ended, it has logged no traceback."""
        process = self.start_operator(name, **settings)
        try:
            self.wait("operator started", lambda: process.logged(" models; kinds"))
            yield process
        finally:
            process.kill()
            log = (self.directory / f"{name}.log").read_text()
            assert "Traceback" not in log, log[-4000:]


def condition_of(body: Object | None, kind: str) -> Object:
    """A condition in a model's status; empty while there is none."""
    conditions = (body or {}).get("status", {}).get("conditions", ())
    return next((each for each in conditions if each["type"] == kind), {})


def until_same(look: Callable[[], object], seconds: float, timeout: float = PATIENCE) -> None:
    """Wait until something that the operator does, like its writes, has been the same for some seconds."""
    deadline, seen, since = time.monotonic() + timeout, look(), time.monotonic()
    while time.monotonic() - since < seconds:
        assert time.monotonic() < deadline, f"the operator never comes to rest: {seen}"
        time.sleep(0.2)
        if (now := look()) != seen:
            seen, since = now, time.monotonic()


def prometheus_crds(*more: str) -> list[Path]:
    """The few CRDs of prometheus-operator that tests use, and more by name: all ten take the API server seconds."""
    names = (*PROMETHEUS_CRDS, *more)
    return [path for path in tools.prometheus_operator_crds() if any(wanted in path.name for wanted in names)]


@contextmanager
def running_bed(
    directory: Path,
    crds: Iterable[Path],
    *,
    controllers: bool = True,
    audit: bool = True,
    api_flags: tuple[str, ...] = (),
    values: Object | None = None,
) -> Iterator[Bed]:
    """A control plane, usually with controllers and one simulated node, and the operator's ServiceAccount of the chart.

    At the end the operator has been refused nothing, and what it has used of its roles is recorded.
    """
    place = Place(api_flags=(*Place.api_flags, *api_flags))
    with ControlPlane(
        directory, controllers=controllers, kwok=controllers, crds=crds, audit=audit, place=place
    ) as plane:
        operator_identity.install(plane, values or {})
        bed = Bed(plane, directory)
        yield bed
        if audit:
            entries = list(used_rights.entries_of(OPERATOR, plane.audit_log))
            used_rights.record(used_rights.used(entries))
            denied = used_rights.denials(entries) - bed.expected_denials
            assert not denied, f"the operator lacks rights: {sorted(denied)}"


def run(command: list[str | Path], **options: Any) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **options)
