"""A real Kubernetes cluster of one node on this machine: pods run, are probed, scraped, evicted.

Puts a container runtime, kubelet and kube-proxy beside a `ControlPlane`, all of it in a `Sandbox`. There are no
registries, so images are imported; there is no DNS, so pods find each other by the API or by a service's address.
Needs root.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from testbed import debian, images, processes, sandbox, tools
from testbed.controlplane import NODE, ControlPlane, Place
from testbed.oci import Image
from testbed.processes import NotReadyError, Process
from testbed.sandbox import Sandbox

COMMANDS = ("conntrack", "containerd", "containerd-shim-runc-v2", "ctr", "ip", "iptables", "nsenter", "runc")
CONTAINERD = "/run/containerd/containerd.sock"


class NeedsRootError(RuntimeError):
    """A node cannot be made by an ordinary user."""


class OneNodeCluster:
    """A cluster that is started on entering and gone without a trace after leaving.

    A name stands for one cluster on this machine: what a killed run of the same name left is removed first. `crds`
    are as for a ControlPlane.
    """

    def __init__(self, name: str = "", *, crds: Iterable[Path] = ()) -> None:
        self.name = name or f"run-{secrets.token_hex(3)}"
        self._crds = tuple(crds)
        self.sandbox = Sandbox(self.name)
        self._control_plane: ControlPlane | None = None
        self._processes: dict[str, Process] = {}

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def control_plane(self) -> ControlPlane:
        """For requests; there is none before the start."""
        if self._control_plane is None:
            raise RuntimeError(f"the cluster {self.name} has not been started")
        return self._control_plane

    @property
    def kubeconfig(self) -> Path:
        """Logs in as an administrator, from this machine."""
        return self.control_plane.kubeconfig

    @property
    def logs(self) -> Path:
        """The folder of all programs' logs; it goes with the cluster."""
        return self.sandbox.folder

    def start(self) -> Self:
        """Start everything; return when the node is ready for pods."""
        if os.geteuid() != 0:
            raise NeedsRootError(
                "a node needs root: it runs containers, with mounts and a network of their own. Run this as root"
                " (sudo -E), or set KUBECONFIG to a cluster that you have"
            )
        debian.ensure(*COMMANDS)
        plugins = debian.cni_plugins()
        binaries = tools.ensure("kubelet", "kube-proxy")
        pause = images.pause()
        sandbox.remove_crashed()
        self.sandbox.open()
        try:
            self._start_containerd(plugins)
            self._start_control_plane()
            self.import_image(pause)
            self._start_kubelet(binaries["kubelet"])
            self._start_kube_proxy(binaries["kube-proxy"])
            self._wait_for_node()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Kill everything at once and remove every trace."""
        processes.kill_all(self._processes.values())
        if self._control_plane:
            self._control_plane.stop()
        self.sandbox.close()

    def import_image(self, image: Image) -> str:
        """Bring an image to the node; the name by which pods ask for it, with `imagePullPolicy: IfNotPresent`."""
        command = [debian.command("ctr"), "--address", CONTAINERD, "--namespace", "k8s.io", "images", "import"]
        words = self.sandbox.command(*command, image.archive)
        run = subprocess.run(words, env=sandbox.environment(), text=True, capture_output=True, check=False)
        if run.returncode:
            raise NotReadyError(f"importing {image.name} failed:\n{run.stderr}{self._processes['containerd'].tail()}")
        return image.name

    def start_metrics_server(self) -> None:
        """Start metrics-server, which autoscalers ask, as a process of the node. It has values after about 20 s."""
        node, port = self.sandbox.network.node, 4443
        kubeconfig = self.control_plane.kubeconfig_for("metrics-server")
        self._run("metrics-server", [
            tools.ensure("metrics-server")["metrics-server"], f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}", f"--authorization-kubeconfig={kubeconfig}",
            f"--bind-address={node}", f"--secure-port={port}", f"--cert-dir={self.logs / 'metrics-server'}",
            "--kubelet-insecure-tls", "--kubelet-preferred-address-types=InternalIP", "--metric-resolution=15s",
        ])  # fmt: skip
        for manifest in _metrics_api(str(node), port):
            self.control_plane.apply(manifest)

    def _run(self, name: str, words: Sequence[str | Path]) -> None:
        log = self.logs / f"{name}.log"
        self._processes[name] = processes.start(name, self.sandbox.command(*words), log=log, env=sandbox.environment())

    def _start_containerd(self, plugins: Path) -> None:
        config, network = self.logs / "containerd.toml", self.logs / "cni"
        network.mkdir()
        (network / "10-bridge.conflist").write_text(json.dumps(_cni(str(self.sandbox.network.pods))))
        config.write_text(_CONTAINERD.format(folder=self.logs, socket=CONTAINERD, plugins=plugins, pause=images.PAUSE))
        self._run("containerd", [debian.command("containerd"), "--config", config])

    def _start_control_plane(self) -> None:
        network, folder = self.sandbox.network, self.logs / "control-plane"
        place = Place(
            address=str(network.node),
            service_range=str(network.services),
            hosts=(str(network.kubernetes),),
            api_flags=(
                "--kubelet-preferred-address-types=InternalIP",
                f"--kubelet-client-certificate={folder / 'server.crt'}",
                f"--kubelet-client-key={folder / 'server.key'}",
                *_aggregation(folder),
            ),
            enter=tuple(self.sandbox.command()),
            env=sandbox.environment(),
        )
        self._control_plane = ControlPlane(folder, crds=self._crds, place=place)
        self._control_plane.start()
        self._control_plane.apply(_KUBELET_CLIENT)

    def _start_kubelet(self, binary: Path) -> None:
        (self.logs / "resolv.conf").write_text("")
        config = self.logs / "kubelet.json"
        config.write_text(json.dumps(self._kubelet_configuration()))
        self._run("kubelet", [
            binary, f"--config={config}", f"--kubeconfig={self.control_plane.kubeconfig_for('kubelet')}",
            f"--root-dir={self.logs / 'kubelet-root'}", f"--cert-dir={self.logs / 'kubelet-certificates'}",
            f"--hostname-override={NODE}", f"--node-ip={self.sandbox.network.node}",
        ])  # fmt: skip

    def _kubelet_configuration(self) -> dict[str, Any]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(self.control_plane.ca_file)},
            },
            "authorization": {"mode": "Webhook"},
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self.sandbox.group}",
            "clusterDNS": [str(self.sandbox.network.dns)],
            "clusterDomain": "cluster.local",
            "containerRuntimeEndpoint": f"unix://{CONTAINERD}",
            "enforceNodeAllocatable": [],
            # The machine's disk and memory are not the node's alone: act only when they are really used up.
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            "failCgroupV1": False,
            "failSwapOn": False,
            # An image that is collected could not be pulled again.
            "imageGCHighThresholdPercent": 100,
            "resolvConf": str(self.logs / "resolv.conf"),
            # How long a changed ConfigMap or Secret takes to reach a pod: people are watching.
            "syncFrequency": "10s",
        }

    def _start_kube_proxy(self, binary: Path) -> None:
        self._run("kube-proxy", [
            binary, f"--kubeconfig={self.control_plane.kubeconfig_for('kube-proxy')}", f"--hostname-override={NODE}",
            "--proxy-mode=iptables", f"--cluster-cidr={self.sandbox.network.pods}",
            # Limits of the whole machine: they are not the node's to set.
            "--conntrack-max-per-core=0", "--conntrack-min=0",
            # The answer between two pods on one bridge skips the translation of addresses unless it came through the
            # node, or the kernel passes bridged packets to iptables, which it does not everywhere.
            "--masquerade-all",
        ])  # fmt: skip

    def _wait_for_node(self) -> None:
        def ready() -> bool:
            status, node = self.control_plane.request("GET", f"/api/v1/nodes/{NODE}")
            conditions = node["status"].get("conditions", ()) if status == 200 else ()
            settled = {each["type"]: each["status"] for each in conditions}.get("Ready") == "True"
            return settled and not node["spec"].get("taints")

        processes.wait_until(ready, "the node", timeout=90, processes=list(self._processes.values()))


def _aggregation(folder: Path) -> list[str]:
    """Flags by which the API server forwards requests to the servers of aggregated APIs."""
    return [
        f"--requestheader-client-ca-file={folder / 'front-proxy-ca.crt'}",
        "--requestheader-allowed-names=front-proxy",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={folder / 'front-proxy.crt'}",
        f"--proxy-client-key-file={folder / 'front-proxy.key'}",
        "--enable-aggregator-routing=true",
    ]


def _cni(pods: str) -> dict[str, Any]:
    # The route leads to the node and ends there, for the node has none: pods reach services, and nothing outside.
    addresses = {"type": "host-local", "ranges": [[{"subnet": pods}]], "routes": [{"dst": "0.0.0.0/0"}]}
    bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True, "ipam": addresses}
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge]}


def _metrics_api(address: str, port: int) -> list[dict[str, Any]]:
    """The Service of metrics-server, its only address, and the API that it serves."""
    metadata = {"name": "metrics-server", "namespace": "kube-system"}
    version = {"group": "metrics.k8s.io", "version": "v1beta1"}
    service = {"name": metadata["name"], "namespace": metadata["namespace"], "port": 443}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"ports": [{"name": "https", "port": 443}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": metadata | {"labels": {"kubernetes.io/service-name": metadata["name"]}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
            "ports": [{"name": "https", "port": port}],
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1beta1.metrics.k8s.io"},
            "spec": version
            | {"service": service, "insecureSkipTLSVerify": True, "groupPriorityMinimum": 100, "versionPriority": 100},
        },
    ]


# The API server asks kubelets for logs and the like under the name in its certificate.
_KUBELET_CLIENT = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "kube-apiserver-to-kubelet"},
    "roleRef": {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "system:kubelet-api-admin",
    },
    "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "kube-apiserver"}],
}
# `restrict_oom_score_adj`: without it runc fails where this process may not lower its own score.
_CONTAINERD = """
version = 2
root = "{folder}/containerd"
state = "/run/containerd"

[grpc]
address = "{socket}"

[plugins."io.containerd.internal.v1.opt"]
path = "{folder}/containerd-opt"

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
restrict_oom_score_adj = true
disable_apparmor = true

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{folder}/cni"
"""
