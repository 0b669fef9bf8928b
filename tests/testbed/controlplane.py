"""A Kubernetes control plane without nodes: on loopback, ready in seconds, gone at once.

Real etcd, API server, controllers and scheduler, so that Deployment status, garbage collection by ownerReferences
and admission behave as in a cluster. Nothing runs the pods, unless `kwok` plays a node on which all of them become
Running and Ready. Several control planes can run side by side: each keeps to its own directory and ports.
"""

from __future__ import annotations

import base64
import functools
import http.client
import json
import secrets
import ssl
import subprocess
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from testbed import processes, tools
from testbed.processes import Process

NODE = "node-0"  # the only one, where a `OneNodeCluster` runs one

# Who can log in from the start: the tests' users first, then the components; each with its user name and group.
USERS = {
    "admin": ("admin", "system:masters"),
    "tenant": ("tenant", ""),
    "kube-controller-manager": ("system:kube-controller-manager", ""),
    "kube-scheduler": ("system:kube-scheduler", ""),
    "kwok": ("kwok", "system:masters"),
    "kubelet": (f"system:node:{NODE}", "system:nodes"),
    "kube-proxy": ("system:kube-proxy", ""),
    "metrics-server": ("metrics-server", "system:masters"),
}
KWOK_NODE = "kwok-node-0"

# Room for the pods of a test at scale; nothing routes to these addresses.
_POD_RANGE = "10.128.0.0/14"

_READS = ["get", "list", "watch"]
_COMPONENTS = [
    "system:apiserver",
    "system:kube-controller-manager",
    "system:kube-scheduler",
    "system:kube-proxy",
    "kwok",
    "metrics-server",
]

# One line for each finished request, and one for each watch that began: tests count requests by user, verb and
# resource. What the components read is left out, or it would drown the rest.
_AUDIT_POLICY: dict[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "verbs": _READS, "users": _COMPONENTS},
        {"level": "None", "verbs": _READS, "userGroups": ["system:nodes", "system:serviceaccounts:kube-system"]},
        {"level": "None", "nonResourceURLs": ["/readyz*"], "userGroups": ["system:unauthenticated"]},
        {"level": "Metadata"},
    ],
}

# No taint, so that any pod fits; a GPU resource, so that pods that ask for one are scheduled too.
_NODE_SIZE = {"cpu": "1k", "memory": "1Ti", "pods": "1M", "nvidia.com/gpu": "1k"}
_TOKEN_SECONDS = 24 * 3600
_KWOK_NODE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {
        "name": KWOK_NODE,
        "labels": {
            "kubernetes.io/hostname": KWOK_NODE,
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
        },
    },
    "status": {"allocatable": _NODE_SIZE, "capacity": _NODE_SIZE},
}


class ApiError(RuntimeError):
    """The API server refused: its `status` and its answer as `body`."""

    def __init__(self, what: str, status: int, body: Any) -> None:
        message = body.get("message", body) if isinstance(body, Mapping) else body
        super().__init__(f"{what}: {status} {message}")
        self.status = status
        self.body = body


@dataclass(frozen=True)
class Place:
    """Where a control plane runs: on loopback, with nobody to reach it but tests, unless a node brings its network."""

    address: str = "127.0.0.1"
    service_range: str = "10.96.0.0/16"
    hosts: tuple[str, ...] = ()  # further names and addresses of the API server
    # Nobody could reach the service `kubernetes` here.
    api_flags: tuple[str, ...] = ("--endpoint-reconciler-type=none",)
    enter: tuple[str | Path, ...] = ()  # the start of a command line that runs the rest of it in this place
    env: Mapping[str, str] | None = None


class ControlPlane:
    """A control plane in a directory of its own: started on entering, killed on leaving.

    Without `controllers` there are only etcd and the API server: enough for schemas, status and watches, but pods
    are refused (nobody makes service accounts) and nothing is garbage-collected.

    Without `audit` no log of requests is written, which costs time: for measurements.

    `crds`, files with one CustomResourceDefinition each, are created before the controllers start: the garbage
    collector looks for new kinds every 30 s only, and a kind that came later is not collected until it has.
    """

    def __init__(
        self,
        directory: Path,
        *,
        controllers: bool = True,
        kwok: bool = False,
        crds: Iterable[Path] = (),
        place: Place = Place(),
        audit: bool = True,
    ) -> None:
        if kwok and not controllers:
            raise ValueError("kwok plays a node, and it takes the scheduler to put pods on it")
        port = processes.free_port()
        self.url = f"https://{place.address}:{port}"
        self.directory = directory.resolve()
        self.ca_file = self.directory / "ca.crt"
        self.audit_log = self.directory / "audit.log"
        self._tokens = {user: secrets.token_hex(16) for user in USERS}
        self.kubeconfig = self.kubeconfig_for("admin")
        self.processes: dict[str, Process] = {}
        self._controllers = controllers
        self._kwok = kwok
        self._crds = tuple(crds)
        self._port = port
        self._place = place
        self._audit = audit
        self._collections: dict[tuple[str, str], tuple[str, bool]] = {}
        self._connections: list[http.client.HTTPSConnection] = []
        """Idle ones; threads share them, as taking one and putting it back are single steps."""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> Self:
        """Start everything; return when the API server answers, and the controllers and the node are at work."""
        names = ["etcd", "kube-apiserver", "certs"]
        names += ["kube-controller-manager", "kube-scheduler"] if self._controllers else []
        names += ["kwok"] if self._kwok else []
        binaries = tools.ensure(*names)
        self.directory.mkdir(parents=True, exist_ok=True)
        # A second start in the same directory finds its data again, and the keys that its tokens were signed with.
        if not (self.directory / "service-account.key").exists():
            subprocess.run([binaries["certs"], self.directory, self._place.address, *self._place.hosts], check=True)
        self._write_configuration()
        try:
            self._start_api(binaries)
            for crd in self._crds:
                self._create_crd(crd)
            if self._controllers:
                self._start_controllers(binaries)
            if self._kwok:
                self._start_kwok(binaries)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Kill everything at once; the files stay. Asked politely, the API server would drain for up to a minute."""
        processes.kill_all(self.processes.values())
        while self._connections:
            self._connections.pop().close()

    def kubeconfig_for(self, user: str) -> Path:
        """The kubeconfig, complete in one file, of one of USERS or of a ServiceAccount that has logged in."""
        if user not in self._tokens:
            raise ValueError(f"no user {user!r}; there are {', '.join(self._tokens)}")
        return self.directory / f"{user}.kubeconfig"

    def log_in(self, user: str, namespace: str, service_account: str) -> None:
        """Let a user be a ServiceAccount that exists, with a token that the API server issues for a day."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}/token"
        status, answer = self.request("POST", path, {"spec": {"expirationSeconds": _TOKEN_SECONDS}})
        if status != http.client.CREATED:
            raise ApiError(f"a token of {namespace}/{service_account}", status, answer)
        self._tokens[user] = answer["status"]["token"]
        self._write_kubeconfig(user)

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
        user: str = "admin",
    ) -> tuple[int, Any]:
        """Send one request and return the status, whatever it is, and the answer: parsed if JSON, else text.

        The body is sent as JSON, or as it is when it is a string.
        """
        headers = {
            "Authorization": f"Bearer {self._tokens[user]}",
            "Content-Type": content_type,
            "Accept": accept,
        }
        text = body if isinstance(body, str) else json.dumps(body)
        response, answer = self._exchange(method, path, None if body is None else text.encode(), headers)
        is_json = response.headers.get_content_type() == "application/json"
        return response.status, json.loads(answer) if is_json else answer

    def _exchange(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, str]:
        """Send a request on a connection that an earlier one has left: opening one takes both sides longer than most answers do."""
        try:
            connection, used = self._connections.pop(), True
        except IndexError:
            connection, used = self._connection(), False
        try:
            while True:
                try:
                    connection.request(method, path, content, headers)
                    response = connection.getresponse()
                    break
                except (ConnectionError, ssl.SSLEOFError):
                    if not used:
                        raise
                    # The server has closed it meanwhile, and has not read the request.
                    connection.close()
                    connection, used = self._connection(), False
            answer = response.read().decode()
        except BaseException:
            connection.close()
            raise
        self._connections.append(connection)
        return response, answer

    def _connection(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self._place.address, self._port, timeout=60, context=self._tls)

    def apply(
        self,
        obj: Mapping[str, Any],
        *,
        user: str = "admin",
        field_manager: str = "test",
        force: bool = True,
    ) -> dict[str, Any]:
        """Server-side apply one object and return it as the API server now holds it; ApiError if it refuses."""
        query = urllib.parse.urlencode({"fieldManager": field_manager, "force": str(force).lower()})
        status, answer = self.request(
            "PATCH", f"{self.path(obj)}?{query}", obj, content_type="application/apply-patch+yaml", user=user
        )
        if status not in (http.client.OK, http.client.CREATED):
            raise ApiError(f"apply {obj['kind']} {obj['metadata']['name']}", status, answer)
        applied: dict[str, Any] = answer
        return applied

    def path(self, obj: Mapping[str, Any]) -> str:
        """The path of an object, in namespace `default` if it is namespaced and names none."""
        kind = (obj["apiVersion"], obj["kind"])
        # A CustomResourceDefinition that was applied a moment ago takes a moment to be served.
        processes.wait_until(lambda: self._discover(kind), f"{kind} among the served resources", timeout=60)
        plural, namespaced = self._collections[kind]
        metadata = obj["metadata"]
        namespace = f"namespaces/{metadata.get('namespace', 'default')}/" if namespaced else ""
        return f"{_group_path(kind[0])}/{namespace}{plural}/{metadata['name']}"

    def _discover(self, kind: tuple[str, str]) -> bool:
        if kind not in self._collections:
            status, served = self.request("GET", _group_path(kind[0]))
            for resource in served["resources"] if status == http.client.OK else []:
                if resource["kind"] == kind[1] and "/" not in resource["name"]:  # pods/status is of kind Pod, too
                    self._collections[kind] = (resource["name"], resource["namespaced"])
        return kind in self._collections

    @functools.cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.ca_file)

    def _write_configuration(self) -> None:
        (self.directory / "audit-policy.json").write_text(json.dumps(_AUDIT_POLICY))
        rows = [f'{self._tokens[user]},{name},{user},"{group}"' for user, (name, group) in USERS.items()]
        (self.directory / "tokens.csv").write_text("\n".join(rows) + "\n")
        for user in USERS:
            self._write_kubeconfig(user)

    def _write_kubeconfig(self, user: str) -> None:
        self.kubeconfig_for(user).write_text(json.dumps(self._kubeconfig(user), indent=1))

    def _kubeconfig(self, user: str) -> dict[str, Any]:
        authority = base64.b64encode(self.ca_file.read_bytes()).decode()
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "testbed", "cluster": {"server": self.url, "certificate-authority-data": authority}}],
            "users": [{"name": user, "user": {"token": self._tokens[user]}}],
            "contexts": [{"name": "testbed", "context": {"cluster": "testbed", "user": user, "namespace": "default"}}],
            "current-context": "testbed",
        }

    def _run(self, name: str, command: list[str | Path]) -> None:
        log, place = self.directory / f"{name}.log", self._place
        self.processes[name] = processes.start(name, [*place.enter, *command], log=log, env=place.env)

    def _start_api(self, binaries: Mapping[str, Path]) -> None:
        here = self.directory
        etcd, peer = (f"http://127.0.0.1:{processes.free_port()}" for _ in range(2))
        self._run("etcd", [
            binaries["etcd"], f"--data-dir={here / 'etcd'}", "--unsafe-no-fsync", "--log-level=warn",
            f"--listen-client-urls={etcd}", f"--advertise-client-urls={etcd}", f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}",
        ])  # fmt: skip
        self._run("kube-apiserver", [
            binaries["kube-apiserver"], f"--etcd-servers={etcd}", f"--secure-port={self._port}",
            # Without an address it asks for the machine's default route, which an isolated machine lacks.
            f"--bind-address={self._place.address}", f"--advertise-address={self._place.address}",
            *self._place.api_flags,
            f"--tls-cert-file={here / 'server.crt'}", f"--tls-private-key-file={here / 'server.key'}",
            f"--client-ca-file={self.ca_file}", f"--token-auth-file={here / 'tokens.csv'}",
            "--authorization-mode=Node,RBAC", "--allow-privileged",
            f"--service-cluster-ip-range={self._place.service_range}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={here / 'service-account.key'}",
            f"--service-account-signing-key-file={here / 'service-account.key'}",
            *(self._audit_flags() if self._audit else ()),
        ])  # fmt: skip
        started = list(self.processes.values())
        processes.wait_for_url(f"{self.url}/readyz", ca_file=self.ca_file, timeout=90, processes=started)

    def _audit_flags(self) -> tuple[str, ...]:
        # Never rotated, and written before a request is done: what a test has seen happen is in this one file.
        policy = self.directory / "audit-policy.json"
        return (
            f"--audit-policy-file={policy}",
            f"--audit-log-path={self.audit_log}",
            "--audit-log-mode=blocking",
            "--audit-log-maxsize=0",
        )

    def _create_crd(self, path: Path) -> None:
        collection = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        status, answer = self.request("POST", collection, path.read_text("utf-8"), content_type="application/yaml")
        # There already when a control plane is started a second time in its directory.
        if status not in (http.client.CREATED, http.client.CONFLICT):
            raise ApiError(f"create {path}", status, answer)

    def _start_controllers(self, binaries: Mapping[str, Path]) -> None:
        """Start the controllers and the scheduler, with rates that let tests at scale run at the machine's speed."""
        common = ["--leader-elect=false", "--secure-port=0", "--kube-api-qps=500", "--kube-api-burst=1000"]
        name = "kube-controller-manager"
        self._run(name, [
            binaries[name], *common, f"--kubeconfig={self.kubeconfig_for(name)}", "--use-service-account-credentials",
            f"--service-account-private-key-file={self.directory / 'service-account.key'}",
            f"--root-ca-file={self.ca_file}", f"--service-cluster-ip-range={self._place.service_range}",
        ])  # fmt: skip
        name = "kube-scheduler"
        self._run(name, [binaries[name], *common, f"--kubeconfig={self.kubeconfig_for(name)}"])
        # The first visible work of the controllers, and what a pod needs to be let in.
        self._wait_for("/api/v1/namespaces/default/serviceaccounts/default", "the default service account")

    def _start_kwok(self, binaries: Mapping[str, Path]) -> None:
        stages = tools.module_dir("kwok", "sigs.k8s.io/kwok") / "kustomize" / "stage"
        folders = ("node/fast", "node/heartbeat-with-lease", "pod/fast")  # what its own stage/fast is made of
        files = [path for folder in folders for path in sorted((stages / folder).glob("*.yaml"))]
        self.apply(_KWOK_NODE)
        self._run("kwok", [
            binaries["kwok"], f"--kubeconfig={self.kubeconfig_for('kwok')}", f"--manage-single-node={KWOK_NODE}",
            f"--cidr={_POD_RANGE}", "--node-lease-duration-seconds=40",
            *(f"--config={path}" for path in files if path.name != "kustomization.yaml"),
        ])  # fmt: skip
        self._wait_for(f"/api/v1/nodes/{KWOK_NODE}", "the node", _is_schedulable)

    def _wait_for(self, path: str, what: str, ready: Callable[[Any], bool] = lambda _: True) -> None:
        def there() -> bool:
            try:
                status, answer = self.request("GET", path)
            except OSError:  # the API server has ended: wait_until says so, with its log
                return False
            return status == http.client.OK and ready(answer)

        processes.wait_until(there, what, timeout=60, processes=list(self.processes.values()))


def _group_path(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _is_schedulable(node: Mapping[str, Any]) -> bool:
    conditions = {each["type"]: each["status"] for each in node["status"].get("conditions", ())}
    return conditions.get("Ready") == "True" and not node["spec"].get("taints")
