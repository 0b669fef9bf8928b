"""Commands that come from Debian packages: what is missing is installed by apt-get, with a line that says so.

Looked up by command, not by package: where a command is already there from elsewhere (a vendor's containerd, say),
installing Debian's package of it would conflict with that one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from testbed.tools import ToolError

PACKAGES = {
    "chromium": "chromium",
    "conntrack": "conntrack",
    "containerd": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "ctr": "containerd",
    "ip": "iproute2",
    "iptables": "iptables",
    "mmdebstrap": "mmdebstrap",
    "nsenter": "util-linux",
    "runc": "runc",
}
CNI_PACKAGE = "containernetworking-plugins"
CNI_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
# Administration commands are not on the path of every shell that root gets.
SEARCH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))


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
    for arguments in (["update", "-qq"], ["install", "-qq", "--no-install-recommends", *names]):
        run = subprocess.run([apt, *arguments], env=environment, text=True, capture_output=True, check=False)
        if run.returncode:
            raise ToolError(f"apt-get {' '.join(arguments)} failed:\n{run.stdout}{run.stderr}")
