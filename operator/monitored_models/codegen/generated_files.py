"""Writes, or with --check compares, the generated files: CRDs, docs, the operator's rights and monitoring, the chart."""

from __future__ import annotations

import sys
from pathlib import Path

from ..render.operator.manifests import manifests
from .argocd import argocd_files
from .chart import chart_files
from .conditions_page import conditions_page
from .crd import crd, profile_crd, reference
from .pages import alerts_page, catalogue_page
from .rbac import rbac_manifests, security_page
from .yaml_text import dump_all

OWN = """\
# Rules and dashboard for the operator itself, and the dashboards of all models and of all objectives, generated from
# operator/monitored_models/render/operator and render/dashboards by `make generate`. docs/operating.md says how to have
# the operator scraped, docs/dashboards.md how Grafana picks dashboards up.
"""
ROOT = Path(__file__).parents[3]
CHART = "charts/monitored-models"


def files() -> dict[Path, str]:
    """Content of each generated file, by path."""
    header = "# Generated from operator/monitored_models/api by `make generate`.\n"
    return {
        ROOT / "crds/monitoredmodels.yaml": header + dump_all([crd()]),
        ROOT / "crds/monitoringprofiles.yaml": header + dump_all([profile_crd()]),
        ROOT / "docs/reference.md": reference(),
        ROOT / "docs/catalogue.md": catalogue_page(),
        ROOT / "docs/alerts.md": alerts_page(),
        ROOT / "docs/conditions.md": conditions_page((ROOT / "docs/conditions.md").read_text()),
        ROOT / "config/monitoring.yaml": OWN + dump_all(manifests()),
        ROOT / "config/rbac.yaml": rbac_manifests(),
        ROOT / "docs/security.md": security_page((ROOT / "docs/security.md").read_text()),
        **{ROOT / CHART / path: text for path, text in chart_files(ROOT).items()},
        **{ROOT / path: text for path, text in argocd_files(ROOT).items()},
    }


def main() -> int:
    """Write the files; with --check, name those that are out of date and exit with 1."""
    stale = {path: text for path, text in files().items() if not path.exists() or path.read_text() != text}
    for path, text in stale.items():
        if "--check" in sys.argv:
            print(f"{path.relative_to(ROOT)} is out of date: run `make generate`", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return 1 if stale and "--check" in sys.argv else 0
