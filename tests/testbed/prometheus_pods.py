"""What the pods of prometheus-operator need in a cluster without a registry: images, and probes that do not keep people waiting."""

from __future__ import annotations

from typing import Any

from testbed import images, tools
from testbed.oci import Image, Runs


def version(program: str) -> str:
    """The version of a program, as prometheus-operator writes it: v3.10.0."""
    return f"v{tools.GROUPS[tools.BINARIES[program].group].version}"


def image(program: str) -> Image:
    """The image of a program, laid out as prometheus-operator expects."""
    name = f"docker.io/local/{program}:{version(program)}"
    return images.static(name, tools.ensure(program), Runs([f"/bin/{program}"], "65534:65534"))


def faster(prometheus: str, interval: str) -> list[dict[str, Any]]:
    """Containers to merge into those that prometheus-operator generates for a Prometheus; its reloader looks in this interval.

    The defaults are slow: the startup probe runs every 15 s, and the reloader finds a configuration change that its file
    watch missed only after 3 min. It misses most changes, because it watches the file itself, which the kubelet
    replaces. `args` can only be replaced as a list.
    """
    return [
        {"name": "prometheus", "startupProbe": {"periodSeconds": 1, "failureThreshold": 900}},
        {
            "name": "config-reloader",
            "args": [
                f"--watch-interval={interval}",
                "--listen-address=:8080",
                "--reload-url=http://localhost:9090/-/reload",
                "--config-file=/etc/prometheus/config/prometheus.yaml.gz",
                "--config-envsubst-file=/etc/prometheus/config_out/prometheus.env.yaml",
                f"--watched-dir=/etc/prometheus/rules/prometheus-{prometheus}-rulefiles-0",
            ],
        },
    ]
