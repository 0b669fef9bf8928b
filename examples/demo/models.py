"""The demo's MonitoredModels, as a user would write them: two scikit-learn models that share one small server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

NAMESPACE = "monitored-models-demo"
PUBLIC_IMAGE = "python:3.11-slim"
"""Image for the user's own cluster: the server comes from a ConfigMap, its packages from the package index."""
SERVER = Path(__file__).parent / "server"
SOURCES = "demo-server"

FEATURES = {"churn": (72, 120, 9, 24), "house-price": (250, 8, 100, 40)}
"""Maps each model to the largest value of each of its features."""


def manifests(image: str | None) -> list[dict[str, Any]]:
    """Return the namespace, the models and what they need. Without an image, the pods install the server themselves."""
    enforce = {"pod-security.kubernetes.io/enforce": "restricted"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": enforce}}
    return [
        namespace,
        *([] if image else [_sources()]),
        _model("churn", "2026-11-20", image, replicas=2),
        _model("house-price", "7", image, replicas=1),
    ]


def _model(name: str, version: str, image: str | None, replicas: int) -> dict[str, Any]:
    return {
        "apiVersion": "monitoredmodels.dev/v1alpha1",
        "kind": "MonitoredModel",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "model": {"name": name, "version": version, "framework": "scikit-learn"},
            "replicas": replicas,
            "resources": {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
            "probes": {
                "startup": {"path": "/health/live", "periodSeconds": 2, "failureThreshold": 150},
                "readiness": {"path": "/health/ready", "periodSeconds": 2},
                "liveness": {"path": "/health/live"},
            },
            "security": {"readOnlyRootFilesystem": True},
            "rollout": {"drainSeconds": 2, "terminationGracePeriodSeconds": 15},
            "monitoring": {"scrape": {"interval": "15s"}},
            **({"image": image} if image else _self_installing()),
        },
    }


def _self_installing() -> dict[str, Any]:
    install = "pip install --quiet --require-hashes --target $HOME/packages -r /demo/requirements.txt"
    return {
        "image": PUBLIC_IMAGE,
        "command": ["sh", "-c", f"{install} && exec env PYTHONPATH=$HOME/packages python /demo/server.py"],
        "storage": {"volumes": [{"name": "demo", "mountPath": "/demo", "configMap": {"name": SOURCES}}]},
    }


def _sources() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": SOURCES, "namespace": NAMESPACE},
        "data": {name: (SERVER / name).read_text() for name in ("server.py", "requirements.txt")},
    }
