"""A type or a reason of a condition that is written a second time is found; other uses of the same words are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from testbed import condition_names


def test_each_name_is_written_once() -> None:
    assert condition_names.main() == 0


def test_check_fails_for_a_name_outside_its_definition(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("naming/conditions.py", "status/new_checks.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text('\nREADY = "WorkloadReady"\n')
    assert condition_names.main(tmp_path) == 1
    assert [line.split(": ")[0] for line in capsys.readouterr().out.splitlines()] == [
        f"{tmp_path}/status/new_checks.py:2"
    ]


@pytest.mark.parametrize(
    "source",
    [
        'condition(new, "Ready")',
        'Cause("Suspended", "spec.suspend is true")',
        'ChildProblem(kind, reason="Rejected", message="")',
        'replace(problem, reason="Applied")',
        'if cause.reason == "Suspended": pass',
        'if found["reason"] in ("Loaded", "Loading"): pass',
        'if found.get("type") != "Stalled": pass',
        '{"type": "Monitored", "status": "Unknown"}',
        'matchers = (("condition", "=", "Ready"), ("status", "=", "True"))',
        'TYPES = ("Ready", "Stalled")',
        "path = '.status.conditions[?(@.type==\"Ready\")].status'",
        "query = f'count({CONDITION}{{condition=\"Ready\"}}) > {limit}'",
        "query = f'{CONDITION}{{reason=~\"Paused|Other\"}}'",
        'anything("PodsNotReady")',
        'x = "a message about NotificationsReady"',
        'def f():\n    """A docstring."""\n    return "Ready|WorkloadReady"',
    ],
)
def test_name_as_text_is_found(source: str) -> None:
    assert list(condition_names.repeated(source))


@pytest.mark.parametrize(
    "source",
    [
        '"""About WorkloadReady."""',
        "# WorkloadReady",
        '__all__ = ["InvalidSpec"]',
        "condition(new, READY)",
        'pod["conditions"].get("Ready", {}).get("status") == "True"',
        'log.info("applied %s", name, extra=about(key, "Applied"))',
        'panels.stat("Ready", "Models whose condition Ready is not True.", query)',
        'Column("Value", "Ready")',
        '("Ready", "string", path, "Whether it serves")',
        '_pod_waiting(s, "Unschedulable", "SchedulingGated")',
        'help = "Complete when all Paused pods are Ready"',
        'text = "`WorkloadReady` and `MonitoringApplied`"',
    ],
)
def test_other_uses_of_the_words_are_not(source: str) -> None:
    assert not list(condition_names.repeated(source))


def test_names_of_kubernetes_are_listed_by_file() -> None:
    for name, words in condition_names.OF_KUBERNETES.items():
        source = (condition_names.PACKAGE / name).read_text()
        assert list(condition_names.repeated(source)), "nothing to exempt"
        assert not list(condition_names.repeated(source, words))


def test_check_knows_types_and_reasons() -> None:
    assert len(condition_names.TYPES) == 9
    assert {"WorkloadReady", "Stalled"} <= condition_names.TYPES
    assert {"ImagePullFailed", "ProfileInvalid", "Applied"} <= condition_names.REASONS
