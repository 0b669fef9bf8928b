"""Settings of Argo CD with our health check and actions, from the Lua scripts in `argocd/`: the only copy of each script."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

from ..api import GROUP, KIND

SCRIPTS = Path("argocd/resource_customizations") / GROUP / KIND
_HEADER = f"# Generated from {SCRIPTS} by `make generate`. docs/gitops.md explains how to install it.\n"
_CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: argocd-cm
  namespace: argocd
  labels: {app.kubernetes.io/part-of: argocd}
data:
"""


def argocd_files(root: Path) -> dict[str, str]:
    """Content of each file by its path from the root: a ConfigMap for Argo CD, and values of its Helm chart."""
    settings = _settings(root / SCRIPTS)
    return {
        "examples/argocd/argocd-cm.yaml": _HEADER + _CONFIG_MAP + indent(settings, "  "),
        "examples/argocd/argocd-values.yaml": f"{_HEADER}configs:\n  cm:\n{indent(settings, '    ')}",
    }


def _settings(scripts: Path) -> str:
    """The keys of argocd-cm, as YAML with one block per script."""
    actions = _block("discovery.lua", (scripts / "actions/discovery.lua").read_text()) + "definitions:\n"
    for script in sorted(scripts.glob("actions/*/action.lua")):
        actions += f"- name: {script.parent.name}\n{indent(_block('action.lua', script.read_text()), '  ')}"
    health = (scripts / "health.lua").read_text()
    key = f"resource.customizations.{{}}.{GROUP}_{KIND}"
    return _block(key.format("health"), health) + _block(key.format("actions"), actions)


def _block(key: str, text: str) -> str:
    return f"{key}: |\n{indent(text, '  ')}"
