"""The golden files: rendered examples, for review. `python -m golden.golden_files` rewrites them.

The renderings of two examples are complete. Each other example has one small file for each kind of child. It contains the
rules, panels and objects that are new: no earlier example renders the same for a model of the same name. So a change of
one label or panel changes few files, and no difference between two examples is lost.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from monitored_models.api import InvalidSpec, Model, MonitoringProfile, parse, parse_profile
from monitored_models.files.local_objects import read
from monitored_models.naming.kinds import CONFIG_MAP, PROMETHEUS_RULE
from monitored_models.render.children import Child, render, render_profile
from monitored_models.render.workload.replicas import replicas
from monitored_models.settings import Settings

HERE = Path(__file__).parent
COMPLETE = ("minimal", "everything")
"""Examples with one golden file for all children."""
FIRST = (*COMPLETE, "vllm", "triton")
"""Examples that come before the others, which are in the order of their names."""
EXAMPLES = sorted(
    (HERE.parents[1] / "examples").glob("*.yaml"),
    key=lambda path: (FIRST.index(path.stem) if path.stem in FIRST else len(FIRST), path.stem),
)
SETTINGS = Settings(
    service_monitor_labels={"release": "kps"},
    prometheus_rule_labels={"release": "kps"},
    alertmanager_config_labels={"release": "kps"},
)


def rendered(example: Path, *, anonymous: bool = False) -> list[Child]:
    """All children of an example; anonymous: every model has the same name, version and image."""
    manifests, children = read([example]), []
    for document in manifests.profiles:
        monitoring = parse_profile(document.body["spec"])
        assert not isinstance(monitoring, InvalidSpec), monitoring
        profile = MonitoringProfile(document.namespace, document.name, "", monitoring)
        children += render_profile(profile, SETTINGS)
    for document in manifests.models:
        body = _anonymous(document.body) if anonymous else document.body
        model = parse(body, SETTINGS.platform, manifests.profile_of(document))
        assert isinstance(model, Model), model
        children += render(model, SETTINGS, replicas(model, None))
    return children


def _anonymous(body: dict[str, Any]) -> dict[str, Any]:
    spec = {**body["spec"], "model": {**body["spec"]["model"], "version": "1"}}
    if "image" in spec:
        spec["image"] = "registry.example.com/model:1"
    return {**body, "metadata": {"name": "model", "namespace": "models"}, "spec": spec}


def goldens() -> dict[str, str]:
    """The text of each golden file, by its path in this folder."""
    files: dict[str, str] = {}
    known: set[str] = set()
    for example in EXAMPLES:
        children, new = [readable(child) for child in rendered(example)], defaultdict(list)
        for child, twin in zip(children, rendered(example, anonymous=True), strict=True):
            for part, comparable in zip(parts(child), parts(readable(twin)), strict=True):
                content = json.dumps(comparable, sort_keys=True)
                if content not in known:
                    known.add(content)
                    new[child["kind"].lower()].append(part)
        if example.stem in COMPLETE:
            files[f"{example.stem}.yaml"] = _text(children)
        else:
            files |= {f"{kind}/{example.stem}.yaml": _text(found) for kind, found in new.items()}
    return files


def readable(child: Child) -> Child:
    """A child with its dashboard, which is one line of JSON in the ConfigMap, as an object."""
    if "data" not in child:
        return child
    return {**child, "data": {key: json.loads(text) for key, text in child["data"].items()}}


def parts(child: Child) -> Iterator[dict[str, Any]]:
    """The parts of a readable child that a golden contains one by one: rules or panels; otherwise the child itself."""
    if child["kind"] == PROMETHEUS_RULE.name:
        yield {"metadata": child["metadata"]}
        yield from _rules(child["spec"]["groups"])
    elif child["kind"] == CONFIG_MAP.name:
        yield {"metadata": child["metadata"]}
        for dashboard in child["data"].values():
            yield from _panels(dashboard)
    else:
        yield child


def _rules(groups: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """An outline, the labels that all alerts have, and each rule with its group and its other labels."""
    rules = [
        {"group": group["name"], **_without(group, "name", "rules"), **r} for group in groups for r in group["rules"]
    ]
    yield _outline((rule["group"], rule.get("alert") or rule["record"]) for rule in rules)
    common = set.intersection(*(set(rule["labels"].items()) for rule in rules if "alert" in rule))
    yield {"labels of all alerts": dict(sorted(common))}
    for rule in rules:
        own = {name: value for name, value in rule.get("labels", {}).items() if (name, value) not in common}
        yield {**rule, "labels": own} if "labels" in rule else rule


def _panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An outline, each property of the dashboard, and each panel with its row, but not its number and place."""
    row, panels = "(no row)", []
    for panel in dashboard["panels"]:
        row = panel["title"] if panel["type"] == "row" else row
        panels += [{"row": row, **_without(p, "id", "gridPos", "panels")} for p in (panel, *panel.get("panels", []))]
    yield _outline((panel["row"], panel["title"]) for panel in panels)
    yield from ({name: value} for name, value in _without(dashboard, "panels").items())
    yield from panels


def _outline(names: Iterator[tuple[str, str]]) -> dict[str, Any]:
    """The names of a child's parts, in order and by group."""
    groups: dict[str, list[str]] = {}
    for group, name in names:
        groups.setdefault(group, []).append(name)
    return {"outline": [f"{group}: {', '.join(found)}" for group, found in groups.items()]}


def _without(mapping: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name not in names}


def _text(documents: list[dict[str, Any]]) -> str:
    return yaml.safe_dump_all(documents, sort_keys=False, width=120, allow_unicode=True)


def write(folder: Path) -> None:
    """Write every golden file, and delete files that are no longer rendered."""
    files = goldens()
    for path in folder.rglob("*.yaml"):
        if path.relative_to(folder).as_posix() not in files:
            path.unlink()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    write(HERE)
