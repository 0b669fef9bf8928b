"""What the documents say is so: their examples work, their lists are complete, their links lead somewhere."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from monitored_models.api import UnmetReason
from monitored_models.base.schema_types import wire_name
from monitored_models.cli.main import main
from monitored_models.naming.conditions import Reason
from monitored_models.render.children import unmet_requests
from monitored_models.render.rules.alerts.groups import ALERTS, is_enabled
from monitored_models.render.rules.alerts.objective_alerts import OBJECTIVES
from monitored_models.settings import Settings, load
from monitored_models.status.condition_spec import ReasonDoc
from monitored_models.status.conditions import CONDITIONS
from unit.specs import model

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
CONDITIONS_PAGE = (ROOT / "docs/conditions.md").read_text()
DOCUMENTS = [
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY")),
    *sorted((ROOT / "docs").glob("*.md")),
]


CONSTANTS = {UnmetReason.__name__, Reason.__name__}


def reasons_in_code() -> set[str]:
    """Reasons that the code can give: the constants that it uses, except where it defines and documents them."""
    found: set[str] = set()
    for file in (ROOT / "operator/monitored_models").rglob("*.py"):
        documentation: set[int] = set()
        for node in ast.walk(ast.parse(file.read_text()) if file.parent.name != "naming" else ast.Pass()):
            match node:
                case ast.Call(func=ast.Name(id=ReasonDoc.__name__)):
                    documentation |= {id(inner) for inner in ast.walk(node)}
                case ast.Attribute(value=ast.Name(id=name), attr=attr) if name in CONSTANTS:
                    found |= set() if id(node) in documentation else {getattr(Reason, attr)}
    return found


def test_first_model_of_the_readme_is_the_minimal_example() -> None:
    block = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert block
    assert yaml.safe_load(block[1]) == yaml.safe_load((ROOT / "examples/minimal.yaml").read_text())


def test_first_model_of_the_readme_is_valid(tmp_path: Path) -> None:
    block = re.search(r"```yaml\n(.*?)```", README, re.DOTALL)
    assert block
    (tmp_path / "churn.yaml").write_text(block[1])
    result = CliRunner().invoke(main, ["validate", "-f", str(tmp_path)])
    assert result.exit_code == 0, result.output


def test_everything_that_the_readme_asks_of_the_monitoring_can_be_had() -> None:
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)]
    asked = [block["spec"]["monitoring"] for block in blocks if "monitoring" in block.get("spec", {})]
    assert asked
    for monitoring in asked:
        assert unmet_requests(model(monitoring=monitoring)) == ()


def test_commands_of_the_readme_exist() -> None:
    for command in set(re.findall(r"^(?:venv/bin/)?mmctl (\w+)", README, re.MULTILINE)):
        assert CliRunner().invoke(main, [command, "--help"]).exit_code == 0, command
    targets = set(re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in DOCUMENTS:
        assert set(re.findall(r"`?make ([a-z0-9-]+)`", document.read_text())) <= targets, document
    assert {"demo", "test"} <= targets


def test_every_reason_is_documented_once() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", CONDITIONS_PAGE, re.MULTILINE)
    types, reasons = rows[: len(CONDITIONS)], rows[len(CONDITIONS) :]
    assert types == [spec.type for spec in CONDITIONS]
    assert sorted(reasons) == sorted(reasons_in_code())


def test_section_of_a_condition_names_all_its_reasons() -> None:
    """In its table, or in the sentence before it."""
    reasons = {spec.type: {doc.reason for doc in spec.reasons} for spec in CONDITIONS}
    _, *sections = CONDITIONS_PAGE.split("<!-- end -->")[:-1]
    for section in sections:
        (kind,) = re.findall(r"<!-- generated: (\w+) -->", section)
        named = set(re.findall(r"`(\w+)`", section))
        assert {kind, *reasons.pop(kind)} <= named
    assert set(reasons) == {"Ready", "Reconciling", "Stalled"}, "their reasons are those of other conditions"


def test_every_setting_is_documented() -> None:
    documented = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    assert documented == [wire_name(Settings, f.name) for f in fields(Settings)]


def test_settings_that_are_shown_are_valid(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/settings.md").read_text(), re.DOTALL)
    ours = [block for block in blocks if block.startswith("apiVersion")]
    for number, block in enumerate(blocks):
        (tmp_path / f"{number}.yaml").write_text(block)
        if block in ours:
            result = CliRunner().invoke(main, ["validate", "-f", str(tmp_path / f"{number}.yaml")])
            assert result.exit_code == 0, result.output
        else:
            assert load(tmp_path / f"{number}.yaml") != Settings()
    assert 0 < len(ours) < len(blocks)


def test_every_alert_is_documented_with_its_severity_and_its_time() -> None:
    rows = re.findall(
        r"^\| \[`(\w+)`\]\(runbooks/\1\.md\) \| (\w+) \| (\w+) \|",
        (ROOT / "docs/alerts.md").read_text(),
        re.MULTILINE,
    )
    there = [(a.name, a.severity, a.for_) for a in ALERTS] + [(a.name, a.severity, a.for_) for a in OBJECTIVES]
    assert sorted(rows) == sorted(there)


def test_readme_names_the_alerts_that_wake_someone() -> None:
    """And counts those that a model can get without asking."""
    by_default = [alert for alert in ALERTS if is_enabled(alert, model())]
    count, waking, names = re.search(  # type: ignore[union-attr]
        r"(\w+) \[alerts\]\(docs/alerts\.md\) come by default, (\w+) of which wake someone:\s([^.]*)\.", README
    ).groups()
    number = {"two": 2, "three": 3, "Fifteen": 15, "Sixteen": 16, "Seventeen": 17}
    critical = {alert.name for alert in by_default if alert.severity == "critical"}
    assert (number[count], number[waking]) == (len(by_default), len(critical))
    assert set(re.findall(r"`(\w+)`", names)) == critical


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
        if "://" not in target:
            assert (document.parent / target).exists(), target
