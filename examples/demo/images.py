"""The images that the demo brings to a cluster that has no registry."""

from __future__ import annotations

from pathlib import Path

from testbed import images, tools
from testbed.oci import Image, Runs

MODEL = "docker.io/local/demo-model"
PROMETHEUS = "docker.io/local/prometheus:v3.10.0"
RELOADER = "docker.io/local/prometheus-config-reloader:v0.85.0"

SERVER = Path(__file__).parent / "server"


def model() -> Image:
    """The model server; its tag is its digest, so an edited server is another image."""
    # The numeric libraries start a thread per CPU of the machine, far more than a small pod has.
    env = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    runs = Runs(["python3", "/app/server.py"], "10001:10001", env)
    return images.python_app(MODEL, {"server.py": SERVER / "server.py"}, SERVER / "requirements.txt", runs)


def prometheus() -> Image:
    """Prometheus, as prometheus-operator expects it."""
    binaries = tools.ensure("prometheus")
    return images.static(PROMETHEUS, binaries, Runs(["/bin/prometheus"], "65534:65534"))


def reloader() -> Image:
    """The sidecar by which prometheus-operator hands Prometheus its configuration."""
    binaries = tools.ensure("prometheus-config-reloader")
    return images.static(RELOADER, binaries, Runs(["/bin/prometheus-config-reloader"], "65534:65534"))
