"""What must be true in the end: the same objects as after an undisturbed run, and then silence."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from monitored_models.naming.kinds import CHILDREN, MODEL
from monitored_models.process.resync import MANAGED_SELECTOR
from operator_testbed import Bed

Object = dict[str, Any]
_CHANGING = {
    "uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "selfLink", "lastTransitionTime",
    "lastUpdateTime", "versionSince", "clusterIP", "clusterIPs", "deployment.kubernetes.io/revision", "observedGeneration",
    "currentHealthy", "desiredHealthy", "expectedPods", "disruptionsAllowed", "lastScaleTime",
}  # fmt: skip
"""Fields that differ between any two objects, or that controllers count."""
_PLACE = "<namespace>"
_DASHBOARD = re.compile("mm-[0-9a-f]{36}")
"""The uid of a dashboard, made of namespace and name."""


def end_state(bed: Bed, namespace: str) -> dict[str, Object]:
    """All objects of ours in a namespace, by kind and name, without what differs between any two runs."""
    found: dict[str, Object] = {}
    for kind in (MODEL, *CHILDREN):
        selector = "" if kind is MODEL else f"?labelSelector={MANAGED_SELECTOR}"
        status, listed = bed.plane.request("GET", kind.path(namespace) + selector)
        if kind.optional and status == 404:  # the cluster of the tests has no grafana-operator
            continue
        assert status == 200, listed
        for item in listed["items"]:
            if kind is not MODEL:
                item.pop("status", None)
            found[f"{kind.name} {item['metadata']['name']}"] = stable(item, namespace)
    return found


def stable(item: Object, namespace: str) -> Object:
    """An object without what differs between any two runs, or any two namespaces."""
    text = _DASHBOARD.sub("<dashboard>", json.dumps(_stable(item)).replace(namespace, _PLACE))
    made: Object = json.loads(text)
    return made


def _stable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _stable(each) for key, each in value.items() if key not in _CHANGING}
    return [_stable(each) for each in value] if isinstance(value, list) else value


def differences(expected: dict[str, Object], found: dict[str, Object]) -> list[str]:
    """What differs, in words."""
    told = [f"missing: {key}" for key in sorted(expected.keys() - found.keys())]
    told += [f"too much: {key}" for key in sorted(found.keys() - expected.keys())]
    for key in sorted(expected.keys() & found.keys()):
        if expected[key] != found[key]:
            told.append(f"{key}: {_first(expected[key], found[key])}")
    return told


def _first(expected: Any, found: Any, path: str = "") -> str:
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in sorted(expected.keys() | found.keys()):
            if expected.get(key) != found.get(key):
                return _first(expected.get(key), found.get(key), f"{path}.{key}")
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, (one, other) in enumerate(zip(expected, found, strict=True)):
            if one != other:
                return _first(one, other, f"{path}[{number}]")
    return f"{path} is {json.dumps(found)[:300]} instead of {json.dumps(expected)[:300]}"


def excess(expected: Counter[str], found: Counter[str], faulted: Counter[str], status_slack: int) -> list[str]:
    """Writes beyond those of an undisturbed run: one more of each whose answer was lost, and a few of the status."""
    told = []
    for what, number in found.items():
        slack = faulted[what] + (status_slack if what.endswith("/status") else 0)
        if number > expected[what] + slack:
            told.append(f"{number} {what} instead of {expected[what]} (+{slack})")
    return told
