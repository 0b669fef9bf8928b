"""Images that the demo builds and imports, because its own cluster has no registry."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from testbed import images, operator_image
from testbed.oci import Image, Runs

MODEL = "docker.io/local/demo-model"

SERVER = Path(__file__).parent / "server"


def model() -> Image:
    """The image of the model server. Its tag is its digest, so an edited server gets a new image."""
    # The numeric libraries start one thread per CPU of the node, far more than a small pod can use.
    env = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    runs = Runs(["python3", "/app/server.py"], "10001:10001", env)
    return images.python_app(MODEL, {"server.py": SERVER / "server.py"}, SERVER / "requirements.txt", runs)


def operator() -> Image:
    """The operator's image, from its Dockerfile."""
    return operator_image.build(version("monitored-models"))
