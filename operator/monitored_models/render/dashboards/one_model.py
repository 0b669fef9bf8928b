"""The dashboard of one model: its health, and the cause of problems. Unavailable metrics are listed, without panels."""

from __future__ import annotations

from dataclasses import replace

from ...api import Model
from ...naming import labels, object_names
from ..rules import signals
from ..rules.catalogue import missing
from ..rules.promql import selector
from . import common, objective_rows, panels
from .dashboard import COLUMNS, Dashboard, Link, Variable, board_json
from .panel_source import PanelSource, panel_source
from .panels import Panel, Row
from .pod_rows import pods, versions
from .quality_rows import learning
from .token_rows import tokens
from .traffic_rows import headlines, traffic


def dashboard_json(model: Model, datasource: str = "") -> str:
    """Render the dashboard as JSON. `datasource` is a regular expression of the selectable data sources."""
    return board_json(board(model, datasource))


def board(model: Model, datasource: str = "") -> Dashboard:
    """The dashboard of a model: the first screen reports its health, the rows below help to diagnose it."""
    s = panel_source(model)
    framework, scope = model.spec.model.framework, s.context.scope
    return Dashboard(
        uid=object_names.dashboard_uid(model),
        title=f"{model.display_name} ({model.namespace}/{model.name})",
        description="A MonitoredModel: is it well, what does it do, how fast is it, which pods are it.",
        rows=_rows(s),
        tags=(f"runtime:{model.runtime.id}", *([f"framework:{framework}"] if framework else [])),
        variables=(
            Variable("version", "Version", f"label_values({scope.series('up')}, {labels.SERIES_VERSION})"),
            Variable("pod", "Pod", f"label_values({scope.series('up', _OF_VERSION)}, pod)"),
        ),
        marks=(common.new_versions(scope, ""), common.alerts_begin(scope)),
        links=_links(model),
        datasource=datasource,
        owners=(_inside(scope.series("")), _inside(selector("", _kubelet(model)))),
    )


_OF_VERSION = ((labels.SERIES_VERSION, "=~", "$version"),)


def _kubelet(model: Model) -> tuple[tuple[str, str, str], ...]:
    return (("namespace", "=", model.namespace), ("pod", "=~", object_names.pod_pattern(model)))


def _inside(found: str) -> str:
    return found.removeprefix("{").removesuffix("}")


def _links(model: Model) -> tuple[Link, ...]:
    namespace = f"var-namespace={model.namespace}"
    return (
        Link("All models", f"/d/{common.FLEET_UID}?{namespace}", common.ALL_MODELS.tooltip),
        Link("Objectives", f"/d/{common.SLO_UID}?{namespace}&var-model={model.name}", common.OBJECTIVES.tooltip),
    )


def _rows(s: PanelSource) -> tuple[Row, ...]:
    below = (
        traffic(s),
        tokens(s),
        objective_rows.objectives(s),
        learning(s),
        versions(s),
        pods(s),
        Row("Alerts", (common.alerts(s.context.scope), common.alerts_over_time(s.context.scope))),
        _unavailable(s),
    )
    return (_headlines(s), *(row for row in below if row.panels))


def _headlines(s: PanelSource) -> Row:
    wanted = s.model.minimum_replicas
    found = (
        panels.stat(
            "Replicas that answer",
            f"Pods that answer Prometheus; {wanted} are wanted.",
            signals.targets_up(s.context.scope),
            unit="short",
            red_below=wanted,
        ),
        *headlines(s),
        *objective_rows.headline(s),
        _firing(s),
    )
    return Row("", tuple(replace(panel, width=COLUMNS // len(found)) for panel in found))


def _firing(s: PanelSource) -> Panel:
    about = "Alerts of this model that fire now; the row Alerts has them."
    return panels.stat("Firing alerts", about, common.firing(s.context.scope), unit="short", red_from=1)


def _unavailable(s: PanelSource) -> Row:
    reasons = missing(s.offered)
    if not reasons:
        return Row("Not available", ())
    rows = "\n".join(f"| {name} | {reason} |" for name, reason in reasons.items())
    about = "What the catalogue promises and this kind of server cannot give."
    shown_as = panels.text("Not available", about, f"| metric | why |\n|---|---|\n{rows}")
    return Row("What there is not", (shown_as,), collapsed=True)
