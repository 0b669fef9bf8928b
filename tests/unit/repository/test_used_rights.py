"""A right that no test uses is named, and so is a request that no role permits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from testbed import used_rights
from testbed.used_rights import Right

OPERATOR = "system:serviceaccount:a:b"
CREATE, PATCH = Right("apps", "deployments", "create"), Right("apps", "deployments", "patch")


def entry(verb: str, code: int, *, decision: str = "allow", user: str = OPERATOR, **reference: str) -> dict[str, Any]:
    return {
        "user": {"username": user},
        "verb": verb,
        "objectRef": {"apiGroup": "apps", "resource": "deployments", "namespace": "risk", **reference},
        "responseStatus": {"code": code},
        "annotations": {"authorization.k8s.io/decision": decision},
    }


def test_apply_that_creates_uses_two_rights_and_one_that_changes_uses_one() -> None:
    assert used_rights.used([entry("patch", 201)]) == {PATCH, CREATE}
    assert used_rights.used([entry("patch", 200)]) == {PATCH}
    assert used_rights.used([entry("patch", 200, subresource="scale")]) == {Right("apps", "deployments/scale", "patch")}


def test_denied_request_uses_nothing_and_is_named_with_its_namespace() -> None:
    denied = [entry("delete", 403, decision="forbid"), entry("patch", 200)]
    assert used_rights.used(denied) == {PATCH}
    assert used_rights.denials(denied) == {"delete deployments.apps in risk"}


def test_only_the_requests_of_one_user_for_resources_are_read(tmp_path: Path) -> None:
    mine, theirs = entry("patch", 200), entry("get", 200, user=f"{OPERATOR}-2")
    discovery = {key: value for key, value in mine.items() if key != "objectRef"}
    (tmp_path / "audit.log").write_text("".join(f"{json.dumps(each)}\n" for each in (mine, theirs, discovery)))
    assert list(used_rights.entries_of(OPERATOR, tmp_path / "audit.log")) == [mine]


def test_right_that_no_file_has_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(used_rights.FOLDER, str(tmp_path))
    roles = sorted(used_rights.granted())
    used_rights.record(roles[:5])
    used_rights.record(roles[6:])
    assert used_rights.main([str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("no test uses") == 1
    used_rights.record([roles[5]])
    assert used_rights.main([str(tmp_path)]) == 0


def test_folder_without_records_is_no_proof(tmp_path: Path) -> None:
    assert used_rights.main([str(tmp_path / "none")]) == 1
