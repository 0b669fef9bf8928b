"""Finds the programs that the tests run, and builds the ones that are missing.

Every program is pinned by the go.mod and go.sum of its group, `tools/<group>/`. A binary in the folder that
KUBEBUILDER_ASSETS names is taken first, then one in the cache, and only then is it built into the cache. The
cache folder's name holds a digest of all that goes into a build, so changed pins never meet an old binary.
Kubernetes has a group for each minor that is tested; the variable KUBERNETES chooses one by its version, whatever KUBEBUILDER_ASSETS has.

`python -m testbed.tools NAME...` builds by hand and prints the paths.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import functools
import hashlib
import math
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).parent / "tools"
GO_VERSION = "1.26"

_FLAGS = ("-mod=readonly", "-trimpath", "-buildvcs=false")
_STRIP = "-s -w"

# Clients read the version from the running program; without these they would see v0.0.0 or nothing.
_KUBERNETES_VERSION = (
    "-X k8s.io/component-base/version.gitVersion=v{0}.{1}.{2}"
    " -X k8s.io/component-base/version.gitMajor={0}"
    " -X k8s.io/component-base/version.gitMinor={1}"
)
_PROMETHEUS_VERSION = "-X github.com/prometheus/common/version.Version="

KUBERNETES = {"1.34.4": "kubernetes-1.34", "1.36.3": "kubernetes"}
"""The versions of Kubernetes that are tested, oldest first, and the group of each; `kubernetes` is the default."""


class ToolError(RuntimeError):
    """A program could be neither found nor built; the message says what to do."""


@dataclass(frozen=True)
class Group:
    """Programs that one go.mod pins. The version names the cache folder; go.mod is what decides it."""

    version: str
    ldflags: str = ""


@dataclass(frozen=True)
class Binary:
    """How one program is built. `seconds` is the usual time on two cores and only tells people how long to wait."""

    group: str
    package: str
    seconds: int
    tags: str = ""


GROUPS = {
    "etcd": Group("3.7.3"),
    **{group: Group(version, _KUBERNETES_VERSION.format(*version.split("."))) for version, group in KUBERNETES.items()},
    "prometheus-operator": Group("0.85.0", f"{_PROMETHEUS_VERSION}0.85.0"),
    "prometheus": Group("3.10.0", f"{_PROMETHEUS_VERSION}3.10.0"),
    "alertmanager": Group("0.28.1", f"{_PROMETHEUS_VERSION}0.28.1"),
    "kwok": Group("0.8.0"),
    "argocd": Group("3.3.0", "-X github.com/argoproj/argo-cd/v3/common.version=3.3.0"),
    "certs": Group("1"),
    "helm": Group("4.3.1", "-X helm.sh/helm/v4/internal/version.version=v4.3.1"),
    "metrics-server": Group("0.9.0"),
    "registry": Group("3.1.2"),
    "crane": Group("0.22.1"),
    "cosign": Group("3.1.3"),
    "flux": Group("1"),
}

BINARIES = {
    "etcd": Binary("etcd", "go.etcd.io/etcd/server/v3", 55),
    "kube-apiserver": Binary("kubernetes", "k8s.io/kubernetes/cmd/kube-apiserver", 240),
    "kube-controller-manager": Binary("kubernetes", "k8s.io/kubernetes/cmd/kube-controller-manager", 85),
    "kube-scheduler": Binary("kubernetes", "k8s.io/kubernetes/cmd/kube-scheduler", 10),
    "kubelet": Binary("kubernetes", "k8s.io/kubernetes/cmd/kubelet", 25),
    "kube-proxy": Binary("kubernetes", "k8s.io/kubernetes/cmd/kube-proxy", 20),
    "kubectl": Binary("kubernetes", "k8s.io/kubernetes/cmd/kubectl", 30),
    "promtool": Binary("prometheus", "github.com/prometheus/prometheus/cmd/promtool", 200),
    # Of the service discoveries only the one for Kubernetes: the others pull in every cloud's client.
    "prometheus": Binary(
        "prometheus",
        "github.com/prometheus/prometheus/cmd/prometheus",
        150,
        "remove_all_sd,enable_kubernetes_sd",
    ),
    "prometheus-operator": Binary(
        "prometheus-operator", "github.com/prometheus-operator/prometheus-operator/cmd/operator", 150
    ),
    "prometheus-config-reloader": Binary(
        "prometheus-operator", "github.com/prometheus-operator/prometheus-operator/cmd/prometheus-config-reloader", 10
    ),
    "alertmanager": Binary("alertmanager", "github.com/prometheus/alertmanager/cmd/alertmanager", 60),
    "amtool": Binary("alertmanager", "github.com/prometheus/alertmanager/cmd/amtool", 15),
    "kwok": Binary("kwok", "sigs.k8s.io/kwok/cmd/kwok", 100),
    "helm": Binary("helm", "helm.sh/helm/v4/cmd/helm", 145),
    "metrics-server": Binary("metrics-server", "sigs.k8s.io/metrics-server/cmd/metrics-server", 200),
    "certs": Binary("certs", "monitored-models/testbed/certs", 5),
    "registry": Binary("registry", "github.com/distribution/distribution/v3/cmd/registry", 90),
    "crane": Binary("crane", "github.com/google/go-containerregistry/cmd/crane", 10),
    "cosign": Binary("cosign", "github.com/sigstore/cosign/v3/cmd/cosign", 240),
    # One program for all of Argo CD: the name that it is called by picks the part.
    "argocd": Binary("argocd", "github.com/argoproj/argo-cd/v3/cmd", 220),
    "flux": Binary("flux", "monitored-models/testbed/flux", 30),
}

PROMETHEUS_OPERATOR_KINDS = (
    "servicemonitors",
    "prometheusrules",
    "podmonitors",
    "probes",
    "scrapeconfigs",
    "prometheuses",
    "alertmanagers",
    "alertmanagerconfigs",
    "thanosrulers",
    "prometheusagents",
)


def ensure(*names: str) -> dict[str, Path]:
    """The named programs, ready to run; the missing ones are built first, with a line on stderr for each."""
    if unknown := sorted(set(names) - BINARIES.keys()):
        raise ToolError(f"no such tool: {', '.join(unknown)}; there are {', '.join(BINARIES)}")
    missing = [name for name in dict.fromkeys(names) if _find(name) is None]
    for position, name in enumerate(missing):
        left = sum(BINARIES[each].seconds for each in missing[position:])
        heading = f"[{position + 1}/{len(missing)}]"
        with _locked(group_of(name)):
            if _find(name) is None:  # another run may have built it while this one waited for the lock
                usual = _duration(BINARIES[name].seconds)
                _say(f"{heading} building {name}, usually about {usual}, about {_duration(left)} left in all")
                took = _build(name)
                _say(f"{heading} {name} built in {took:.0f} s")
    return {name: _find(name) or _vanished(name) for name in names}


def group_of(name: str) -> str:
    """The group that pins a program. KUBERNETES, say 1.34 or 1.34.4, chooses that of the components of Kubernetes."""
    group, asked = BINARIES[name].group, os.environ.get("KUBERNETES")
    if group != "kubernetes" or not asked:
        return group
    for version, candidate in KUBERNETES.items():
        if asked in (version, version.rpartition(".")[0]):
            return candidate
    raise ToolError(f"KUBERNETES={asked}: no such version is pinned here; choose one of {', '.join(KUBERNETES)}")


@functools.cache
def module_dir(group: str, module: str) -> Path:
    """The folder with the sources of a module that the group pins, downloaded if need be."""
    _go(group, "mod", "download", module)
    return Path(_go(group, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module).strip())


def prometheus_operator_crds() -> list[Path]:
    """The CRD manifests that prometheus-operator ships, one file per kind."""
    module = module_dir("prometheus-operator", "github.com/prometheus-operator/prometheus-operator")
    folder = module / "example" / "prometheus-operator-crd"
    return [folder / f"monitoring.coreos.com_{kind}.yaml" for kind in PROMETHEUS_OPERATOR_KINDS]


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the named programs and print their paths, one a line."""
    parser = argparse.ArgumentParser(prog="python -m testbed.tools", description=main.__doc__)
    parser.add_argument("name", nargs="+", choices=BINARIES, help=", ".join(BINARIES), metavar="NAME")
    names: list[str] = parser.parse_args(arguments).name
    try:
        found = ensure(*names)
    except ToolError as error:
        _say(str(error))
        return 1
    for name in names:
        print(found[name])
    return 0


def _find(name: str) -> Path | None:
    candidates = [_cache_folder(group_of(name)) / name]
    chosen = os.environ.get("KUBERNETES") and BINARIES[name].group == "kubernetes"
    if (assets := os.environ.get("KUBEBUILDER_ASSETS")) and not chosen:
        candidates.insert(0, Path(assets) / name)
    return next((path for path in candidates if path.is_file() and os.access(path, os.X_OK)), None)


def _vanished(name: str) -> Path:
    raise ToolError(f"{name} was found and then removed again; is something cleaning {_cache_root()}?")


def _cache_root() -> Path:
    # XDG asks for an empty or a relative value to be ignored.
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (configured if configured.is_absolute() else Path.home() / ".cache") / "monitored-models" / "tools"


@functools.cache
def _digest(group: str) -> str:
    flags = [(name, BINARIES[name].package, BINARIES[name].tags) for name in _members(group)]
    digest = hashlib.sha256(repr((flags, GROUPS[group].ldflags, _FLAGS, _STRIP)).encode())
    for path in sorted((SOURCES / group).iterdir()):
        digest.update(f"\n{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _cache_folder(group: str) -> Path:
    return _cache_root() / f"{group}-{GROUPS[group].version}-{_digest(group)}"


@contextlib.contextmanager
def _locked(group: str) -> Iterator[None]:
    """One build at a time in a group. The kernel drops the lock with its process, so none is left behind."""
    folder = _cache_folder(group)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"waiting for another run that builds {group} tools")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(name: str) -> float:
    binary, group = BINARIES[name], group_of(name)
    target = _cache_folder(group) / name
    partial = target.with_name(f".{name}.{os.getpid()}")
    ldflags = f"{_STRIP} {GROUPS[group].ldflags}".strip()
    tags = ["-tags", binary.tags] if binary.tags else []
    started = time.monotonic()
    try:
        _go(group, "build", *_FLAGS, *tags, "-ldflags", ldflags, "-o", str(partial), binary.package)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return time.monotonic() - started


def _go(group: str, *arguments: str) -> str:
    go = shutil.which("go")
    if go is None:
        raise ToolError(
            f"the Go toolchain is needed for the {group} tools and there is no `go` on the PATH: install Go"
            f" {GO_VERSION} or newer, or set KUBEBUILDER_ASSETS to a folder with {', '.join(_members(group))}"
        )
    # Whatever the caller's Go settings are, the same binary comes out: static, and from these pins alone.
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"}
    command = [go, *arguments]
    done = subprocess.run(command, cwd=SOURCES / group, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        tail = "\n".join(done.stderr.strip().splitlines()[-20:])
        raise ToolError(f"in {SOURCES / group}, `{shlex.join(command)}` failed:\n{tail}")
    return done.stdout


def _members(group: str) -> list[str]:
    family = "kubernetes" if group in KUBERNETES.values() else group
    return [name for name, binary in BINARIES.items() if binary.group == family]


def _duration(seconds: float) -> str:
    return f"{math.ceil(seconds / 60)} min" if seconds > 90 else f"{math.ceil(seconds / 10) * 10} s"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
