"""Compares the operator's roles with what the tests have used of them, by the audit logs of their control planes.

Each control plane adds what was used of the roles to the folder that USED_RIGHTS names. `python -m testbed.used_rights`
fails for a right that nothing has used: a test is missing, or the right is not needed.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from monitored_models.codegen.rbac import Rule, lease_rules, optional_rules, rules

FOLDER = "USED_RIGHTS"
Entry = dict[str, Any]


class Right(NamedTuple):
    """One verb on one resource, or on a subresource of it."""

    group: str
    resource: str
    verb: str

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}" + (f".{self.group}" if self.group else "")


def rights_of(listed: Iterable[Rule]) -> Iterator[Right]:
    """The rights that the rules of a role grant."""
    for rule in listed:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    yield Right(group, resource, verb)


def granted() -> set[Right]:
    """The rights in all roles of the operator."""
    optional = (rule for several in optional_rules().values() for rule in several)
    return set(rights_of([*rules(), *lease_rules(), *optional]))


def entries_of(user: str, audit_log: Path) -> Iterator[Entry]:
    """Requests of a user for resources, finished ones and watches that have begun."""
    needle = json.dumps(user).encode()
    with audit_log.open("rb") as log:
        for line in log:
            if needle in line and line.endswith(b"\n"):
                entry = json.loads(line)
                if entry["user"]["username"] == user and "objectRef" in entry:
                    yield entry


def used(entries: Iterable[Entry]) -> set[Right]:
    """The rights that requests have used. An apply that creates uses two."""
    found = set()
    for entry in entries:
        if entry["annotations"]["authorization.k8s.io/decision"] == "allow":
            right = _right(entry)
            found.add(right)
            if right.verb == "patch" and entry["responseStatus"]["code"] == 201:
                found.add(right._replace(verb="create"))
    return found


def denials(entries: Iterable[Entry]) -> set[str]:
    """Requests that no role permits, as `VERB RESOURCE in NAMESPACE`."""
    return {
        f"{_right(entry)} in {entry['objectRef'].get('namespace', 'the cluster')}"
        for entry in entries
        if entry["annotations"]["authorization.k8s.io/decision"] != "allow"
    }


def record(rights: Iterable[Right]) -> None:
    """Keep rights that a test has seen used, if USED_RIGHTS names a folder."""
    if folder := os.environ.get(FOLDER):
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"{uuid.uuid4()}.json").write_text(json.dumps(sorted(rights)))


def recorded(folder: Path) -> set[Right]:
    """The rights that were used according to all files of a folder."""
    return {Right(*each) for file in folder.glob("*.json") for each in json.loads(file.read_text())}


def main(arguments: list[str]) -> int:
    """Compare the roles with what a folder has recorded; name what was not used."""
    if len(arguments) != 1:
        print("usage: python -m testbed.used_rights FOLDER", file=sys.stderr)
        return 2
    roles = granted()
    unused = roles - recorded(Path(arguments[0]))
    for right in sorted(unused):
        print(f"no test uses `{right}`: write one, or remove it from codegen/rbac.py", file=sys.stderr)
    print(f"{len(roles) - len(unused)} of {len(roles)} rights in the operator's roles are used by tests")
    return 1 if unused else 0


def _right(entry: Entry) -> Right:
    reference = entry["objectRef"]
    subresource = f"/{reference['subresource']}" if "subresource" in reference else ""
    return Right(reference.get("apiGroup", ""), f"{reference['resource']}{subresource}", entry["verb"])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
