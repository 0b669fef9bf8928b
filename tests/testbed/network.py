"""The network of a node: a block of addresses of its own, and a cable between the machine and the node.

Everything is inside one /16 that nothing on this machine uses: the cable, the pods and the services. The node has no
other route, so nothing in it reaches further than this machine, and an attempt fails at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from testbed import debian
from testbed.processes import NotReadyError

# Private blocks that hardly anyone uses, then the ones that are reserved for measuring network devices.
CANDIDATES = [IPv4Network(f"10.{second}.0.0/16") for second in range(99, 89, -1)]
CANDIDATES += IPv4Network("198.18.0.0/15").subnets(new_prefix=16)


@dataclass(frozen=True)
class Network:
    """Where things are in a block."""

    block: IPv4Network

    @property
    def cable(self) -> IPv4Network:
        """The two ends of the cable: the machine has the first address, the node the second."""
        return IPv4Network((int(self.block.network_address) + 0xFF00, 30))

    @property
    def machine(self) -> IPv4Address:
        return self.cable[1]

    @property
    def node(self) -> IPv4Address:
        """The node's address, and the API server's."""
        return self.cable[2]

    @property
    def pods(self) -> IPv4Network:
        return IPv4Network((self.block.network_address, 24))

    @property
    def services(self) -> IPv4Network:
        return IPv4Network((int(self.block.network_address) + 0x8000, 20))

    @property
    def kubernetes(self) -> IPv4Address:
        """The address of the service `kubernetes`: always the first of the range."""
        return self.services[1]

    @property
    def dns(self) -> IPv4Address:
        """Where pods are told to ask for names. Nobody is there, so they hear at once that there is no answer."""
        return self.services[10]


@contextmanager
def claimed(lock: Path) -> Iterator[Network]:
    """A free block; nobody else is given it before the block ends, by which time it must be in use."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield Network(_free())


def connect(name: str, network: Network, process: int) -> None:
    """Lay the cable into the namespace of a process. It goes when the namespace goes, and its routes with it."""
    ours, theirs = interface(name), "eth0"
    inside = [debian.command("nsenter"), f"--net=/proc/{process}/ns/net", "--"]
    prefix = network.cable.prefixlen
    _ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", str(process))
    _ip("addr", "add", f"{network.machine}/{prefix}", "dev", ours)
    _ip("link", "set", ours, "up")
    _ip("addr", "add", f"{network.node}/{prefix}", "dev", theirs, inside=inside)
    _ip("link", "set", theirs, "up", inside=inside)
    _ip("link", "set", "lo", "up", inside=inside)
    # Of all ways to say no this is the one that also ends a wait for an answer to UDP, as from a name server; and it
    # has to be said to every question, of which a resolver asks many at once.
    _ip("route", "add", "prohibit", "default", inside=inside)
    _run(*inside, "sh", "-c", "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit")
    _ip("route", "add", str(network.block), "via", str(network.node), "dev", ours)


def disconnect(name: str) -> None:
    """Take the cable away, should a namespace linger: the kernel takes a moment to end one."""
    if Path("/sys/class/net", interface(name)).exists():
        subprocess.run([debian.command("ip"), "link", "delete", interface(name)], capture_output=True, check=False)


def interface(name: str) -> str:
    """The machine's end of the cable; an interface's name has at most 15 characters."""
    return f"mm-{hashlib.sha256(name.encode()).hexdigest()[:10]}"


def _free() -> IPv4Network:
    taken = set()
    for route in json.loads(_ip("-j", "-4", "route", "show", "table", "all")):
        if "/" in route["dst"] or route["dst"][0].isdigit():
            taken.add(IPv4Network(route["dst"], strict=False))
    for block in CANDIDATES:
        if not any(block.overlaps(other) for other in taken):
            return block
    raise NotReadyError(f"no free block of addresses: all of {', '.join(map(str, CANDIDATES))} are routed already")


def _ip(*words: str, inside: Sequence[str] = ()) -> str:
    return _run(*inside, debian.command("ip"), *words)


def _run(*command: str) -> str:
    run = subprocess.run(command, text=True, capture_output=True, check=False)
    if run.returncode:
        raise NotReadyError(f"{' '.join(command)} failed: {run.stderr.strip()}")
    return run.stdout
