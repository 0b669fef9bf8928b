"""Commands that come from Debian packages: what is missing is installed by apt-get, with a line that says so.

Of Prometheus only promtool is taken, and kept in the cache, since it is an old one that nobody should meet elsewhere.
Looked up by command, not by package: where a command is already there from elsewhere (a vendor's containerd, say),
installing Debian's package of it would conflict with that one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from testbed import oci
from testbed.tools import ToolError

PACKAGES = {
    "buildah": "buildah",
    "chromium": "chromium",
    "conntrack": "conntrack",
    "containerd": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "ctr": "containerd",
    "git": "git",
    "ip": "iproute2",
    "iptables": "iptables",
    "mmdebstrap": "mmdebstrap",
    "nsenter": "util-linux",
    "redis-server": "redis-server",
    "runc": "runc",
}
CNI_PACKAGE = "containernetworking-plugins"
CNI_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
# Administration commands are not on the path of every shell that root gets.
SEARCH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))
OLD_PROMETHEUS = "2.42"
"""Version in Debian bookworm."""


def ensure(*commands: str) -> None:
    """Have these commands on the machine."""
    install({PACKAGES[command] for command in commands if not shutil.which(command, path=SEARCH)})


def command(name: str) -> str:
    """The absolute path of a command that `ensure` has seen."""
    found = shutil.which(name, path=SEARCH)
    if found is None:
        raise ToolError(f"{name} is not installed (Debian package {PACKAGES.get(name, name)})")
    return found


def cni_plugins() -> Path:
    """The folder of the network plugins, installed if it is not there."""
    if not any((folder / "bridge").exists() for folder in CNI_FOLDERS):
        install({CNI_PACKAGE})
    for folder in CNI_FOLDERS:
        if (folder / "bridge").exists():
            return folder
    raise ToolError(f"{CNI_PACKAGE} is installed but has no bridge plugin in {CNI_FOLDERS[0]}")


def install(packages: set[str]) -> None:
    """Install packages with apt-get, as few as possible."""
    if not packages:
        return
    names = sorted(packages)
    apt = shutil.which("apt-get", path=SEARCH)
    if apt is None or os.geteuid() != 0:
        raise ToolError(f"please install {' '.join(names)}: this needs root and a Debian-like system")
    print(f"installing the Debian packages {' '.join(names)}, usually about 20 s", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    lock = oci.cache().parent / "apt.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # suites that run side by side would find apt-get's own lock taken
        for arguments in (["update", "-qq"], ["install", "-qq", "--no-install-recommends", *names]):
            run = subprocess.run([apt, *arguments], env=environment, text=True, capture_output=True, check=False)
            if run.returncode:
                raise ToolError(f"apt-get {' '.join(arguments)} failed:\n{run.stdout}{run.stderr}")


def promtool_2_42() -> Path:
    """The promtool of Debian bookworm's Prometheus, unpacked into the cache: nothing is installed, and no root is needed."""
    folder = oci.cache().parent / "tools" / f"debian-prometheus-{OLD_PROMETHEUS}"
    what = f"promtool {OLD_PROMETHEUS} out of Debian's package, usually about 5 s"
    return oci.cached(str(folder), "promtool", _unpack_promtool, what)


def _unpack_promtool(target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        package = _downloaded(f"prometheus={OLD_PROMETHEUS}*", Path(folder))
        _run("dpkg-deb", "--extract", str(package), folder)
        found = Path(folder) / "usr/bin/promtool"
        version = _run(str(found), "--version").split(",")[1].split()[1]  # promtool, version 2.42.0+ds (branch: …
        if not version.startswith(f"{OLD_PROMETHEUS}."):
            raise ToolError(f"Debian's package of Prometheus {OLD_PROMETHEUS} holds promtool {version}")
        shutil.copy2(found, target)


def _downloaded(package: str, folder: Path) -> Path:
    """A package file by the machine's package lists; where these are missing or old, by lists of this call's own."""
    try:
        _run("apt-get", "-o", "APT::Sandbox::User=root", "download", package, folder=folder)
    except ToolError:
        (folder / "lists/partial").mkdir(parents=True)
        (folder / "archives/partial").mkdir(parents=True)
        settings = {"Dir::State": folder, "Dir::State::Lists": folder / "lists", "Dir::Cache": folder}
        own = [f"--option={name}={value}" for name, value in {**settings, "APT::Sandbox::User": "root"}.items()]
        _run("apt-get", *own, "-qq", "update", folder=folder)
        _run("apt-get", *own, "download", package, folder=folder)
    return next(folder.glob("*.deb"))


def _run(program: str, *arguments: str, folder: Path | None = None) -> str:
    found = shutil.which(program, path=SEARCH)
    if found is None:
        raise ToolError(f"{program} is not on this machine: promtool {OLD_PROMETHEUS} comes from Debian bookworm")
    done = subprocess.run([found, *arguments], cwd=folder, text=True, capture_output=True, check=False)
    if done.returncode:
        raise ToolError(f"{program} {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
