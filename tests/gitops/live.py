"""Argo CD at work: a repository of models, one of this project, the operator as a process, and Applications as tests see them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import operator_identity
from gitops.repository import Repository
from operator_testbed import ROOT, Bed, Object, prometheus_crds, running_bed
from testbed import argocd
from testbed.argocd import NAMESPACE, ArgoCD
from testbed.processes import Process

EXAMPLES = ROOT / "examples/argocd"
CLUSTER = "https://kubernetes.default.svc"
_APPLICATIONS = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/applications"
PATIENCE = 180.0
"""Seconds that a test waits for Argo CD, which itself waits between its steps."""


@dataclass
class Live:
    """What runs, and a small language for tests."""

    bed: Bed
    argocd: ArgoCD
    models: Repository
    operator: Process

    def start_operator(self) -> None:
        """Start the operator again, which was killed."""
        self.operator = start_operator(self.bed)

    def create(self, name: str, namespace: str, *, automated: bool = True, **sync_policy: Any) -> None:
        """Create an Application of the folder of its name in the repository of models."""
        automatic = {"automated": {"prune": True, "selfHeal": True}} if automated else {}
        options = ["CreateNamespace=true", "SkipDryRunOnMissingResource=true"]
        self.bed.apply(
            {
                "apiVersion": "argoproj.io/v1alpha1",
                "kind": "Application",
                "metadata": {
                    "name": name,
                    "namespace": NAMESPACE,
                    "finalizers": ["resources-finalizer.argocd.argoproj.io"],
                },
                "spec": {
                    "project": "default",
                    "source": {"repoURL": self.models.url, "targetRevision": "main", "path": name},
                    "destination": {"server": CLUSTER, "namespace": namespace},
                    "syncPolicy": {**automatic, "syncOptions": options, **sync_policy},
                },
            }
        )

    def application(self, name: str) -> Object | None:
        """An Application, or None."""
        status, body = self.bed.plane.request("GET", f"{_APPLICATIONS}/{name}")
        assert status in (200, 404), body
        return body if status == 200 else None

    def delete(self, name: str) -> None:
        """Delete an Application, and by its finalizer what it manages."""
        status, body = self.bed.plane.request("DELETE", f"{_APPLICATIONS}/{name}")
        assert status == 200, body

    def states(self, name: str) -> tuple[str, str]:
        """Sync status and health of an Application."""
        status = (self.application(name) or {}).get("status", {})
        return status.get("sync", {}).get("status", ""), status.get("health", {}).get("status", "")

    def wait_states(self, name: str, sync: str, health: str, revision: str | None = None) -> None:
        """Wait until an Application is in these states, and if given, has synced a commit."""

        def reached() -> bool:
            status = (self.application(name) or {}).get("status", {})
            return self.states(name) == (sync, health) and revision in (None, status["sync"].get("revision"))

        try:
            self.bed.wait(f"{name} {sync}, {health}", reached, PATIENCE)
        except AssertionError as error:
            found = (self.application(name) or {}).get("status", {})
            raise AssertionError(f"{error}; it is {json.dumps(found, indent=1)[:4000]}") from error

    def message(self, name: str) -> str:
        """What Argo CD reports on the sync that is in progress, or the last one."""
        status = (self.application(name) or {}).get("status", {})
        return str(status.get("operationState", {}).get("message", ""))

    def changes_of_state(self, name: str) -> list[str]:
        """Messages of Argo CD's Events about changes of an Application's sync status and health."""
        path = f"/api/v1/namespaces/{NAMESPACE}/events?fieldSelector=involvedObject.name={name}"
        status, body = self.bed.plane.request("GET", path)
        assert status == 200, body
        return [event["message"] for event in body["items"] if event["message"].startswith("Updated ")]

    def tree(self, name: str) -> list[Object]:
        """Nodes of an Application's resource tree."""
        nodes: list[Object] = self.argocd.get(f"/api/v1/applications/{name}/resource-tree")["nodes"]
        return nodes

    def sync(self, name: str, *options: str) -> None:
        """Sync an Application by hand, as soon as no other operation, such as an automatic sync, is in progress."""

        def synced() -> bool:
            try:
                self.argocd.cli("app", "sync", name, *options)
            except AssertionError as error:
                if "another operation is already in progress" not in str(error):
                    raise
                return False
            return True

        self.bed.wait(f"a sync of {name}", synced, PATIENCE)

    def action(self, name: str, action: str) -> None:
        """Run an action on the models of an Application, as the button in Argo CD's page does."""
        kind = ["--group", "monitoredmodels.dev", "--kind", "MonitoredModel", "--all"]
        self.argocd.cli("app", "actions", "run", name, action, *kind)


@contextmanager
def running(directory: Path) -> Iterator[Live]:
    """A control plane without our CRDs, Argo CD with our scripts, and the operator, which waits for its CRDs."""
    crds = [*prometheus_crds(), *argocd.crds()]
    with running_bed(directory / "controlplane", crds) as bed, ArgoCD(bed.plane, directory / "argocd") as cd:
        for name in ("argocd-cm", "application-health"):
            bed.apply(yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text()), field_manager=name)
        live = Live(bed, cd, Repository(directory / "models"), start_operator(bed))
        try:
            yield live
        finally:
            live.operator.kill()


def start_operator(bed: Bed) -> Process:
    """The operator, which waits for its CRDs if need be."""
    return bed.start_operator("operator", discoverySeconds=1)


def install_platform(live: Live, directory: Path) -> None:
    """Apply the example's root Application, with local repositories in place of those on example.com.

    The operator runs as a process here, so that its Application has its rights in place of its chart.
    """
    project = Repository(directory / "project")
    project.copy(ROOT / "crds", "crds")
    project.commit({"operator/rights.yaml": operator_identity.identity({})})
    urls = {
        "https://git.example.com/monitored-models.git": project.url,
        "https://git.example.com/models.git": live.models.url,
    }

    def local(path: Path) -> Any:
        text = path.read_text()
        for example, url in urls.items():
            text = text.replace(example, url)
        return yaml.safe_load(text)

    platform = {path.name: local(path) for path in (EXAMPLES / "platform").iterdir()}
    source = platform["operator.yaml"]["spec"]["source"]
    del source["helm"]
    source["path"] = "operator"
    live.models.copy(EXAMPLES / "models", "models")
    live.models.commit({f"platform/{name}": [body] for name, body in platform.items()})
    live.bed.apply(local(EXAMPLES / "root.yaml"))
