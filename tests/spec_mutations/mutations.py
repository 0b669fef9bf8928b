"""Operations from the CRD's own schema: for every leaf, what people write, mistype, paste or mean by it."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import yaml

from operator_testbed import CRD, ROOT

Spec = dict[str, Any]
Path = tuple[str | int, ...]

TEXTS: Mapping[str, Any] = {
    "empty": "",
    "too-long": "x" * 300,
    "unicode": "Größe-模型-🦀",
    "quotes": "a\"b'c\\d`e",
    "braces": "{a}[b](c)",
    "newline": "a\nb",
    "template": "{{ $labels.instance }}",
    "promql": '"} or vector(1) or up{job="',
    "control": "a\u0085b\u2028c",
}
MEANT: Mapping[str, tuple[Any, ...]] = {
    "image": ("registry.example.com/no such image", "UPPER/case:1", "registry.example.com/a@sha256:zz"),
    "gpu.count": (1_000_000,),
    "storage.volumes.0.persistentVolumeClaim.claimName": ("missing",),
    "scheduling.priorityClassName": ("missing",),
    "replicas": (0, 1, 7),
    "port": (80, 9090),
    "monitoring.scrape.interval": ("1s", "1h", "0s", "1x", "15"),
    "monitoring.scrape.timeout": ("1s", "1h"),
    "monitoring.scrape.path": ("/a?b=c", "metrics", "//"),
    "storage.sharedMemory": ("1Zi", "-1Gi", "1Gi", 0),
    "resources.limits": ({"cpu": "1m"}, {"cpu": "no"}, {"nvidia.com/gpu": 2}, {"memory": "1"}),
    "resources.requests": ({"cpu": "9"}, {"memory": "lots"}),
    "rollout.maxSurge": (0, "0%", "100%", "101%", -1),
    "rollout.maxUnavailable": (1, "100%", "x%"),
    "disruptionBudget.minAvailable": (0, "100%", "x"),
    "disruptionBudget.maxUnavailable": (0, "100%"),
    "monitoring.alerts.rules.ModelErrorRatioHigh.threshold": (0, 1, 0.5, 1.5, -0.1, 1e-12),
    "monitoring.signals.latency.scale": (0.001, 0, -1, 1e300),
}
"""Values that mean something in their field."""


@dataclass(frozen=True)
class Operation:
    """A spec that comes of another by a change."""

    id: str
    base: str
    fields: tuple[str, ...]
    spec: Any

    @property
    def words(self) -> tuple[str, ...]:
        """Names of which a refusal has to tell one: those of the fields, and of what they are in."""
        return tuple({part for field in self.fields for part in field.split(".") if not part.isdigit()})


def bases() -> dict[str, Spec]:
    """Valid specs that have, together, most fields."""
    found = {
        name: yaml.safe_load((ROOT / f"examples/{name}.yaml").read_text())["spec"]
        for name in ("everything", "autoscaled", "own-metric-names")
    }
    # What is switched off in an example would hide its other fields.
    del found["own-metric-names"]["monitoring"]["alerts"]["rules"]["ModelTargetDown"]
    del found["everything"]["monitoring"]["alerts"]["rules"]["ModelNoData"]
    term = {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {
            "matchLabels": {"a": "b"},
            "matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}],
        },
        "namespaceSelector": {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "Exists"}]},
        "namespaces": ["risk"],
    }
    node = {
        "matchExpressions": [{"key": "gpu", "operator": "In", "values": ["a10"]}],
        "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}],
    }
    pods = {
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 5, "podAffinityTerm": term}],
        "requiredDuringSchedulingIgnoredDuringExecution": [term],
    }
    found["placed"] = {
        "model": {"version": "1"},
        "image": "registry.example.com/churn:1",
        "env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
        "envFrom": [{"secretRef": {"name": "s"}, "prefix": "P_"}],
        "probes": {
            "liveness": {
                "path": "/live",
                "initialDelaySeconds": 3,
                "periodSeconds": 7,
                "timeoutSeconds": 2,
                "failureThreshold": 4,
            }
        },
        "storage": {"volumes": [{"name": "scratch", "mountPath": "/scratch", "emptyDir": {"medium": "Memory"}}]},
        "scheduling": {
            "tolerations": [
                {"key": "a", "operator": "Equal", "value": "b", "effect": "NoExecute", "tolerationSeconds": 5}
            ],
            "affinity": {
                "nodeAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 5, "preference": node}],
                    "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [node]},
                },
                "podAffinity": pods,
                "podAntiAffinity": copy.deepcopy(pods),
            },
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "topology.kubernetes.io/zone",
                    "whenUnsatisfiable": "DoNotSchedule",
                    "minDomains": 2,
                    "labelSelector": {"matchLabels": {"a": "b"}},
                }
            ],
        },
    }
    return found


def leaves() -> list[tuple[Path, Mapping[str, Any]]]:
    """Every leaf of the spec, with its schema; a list by its first item."""
    crd = yaml.safe_load(CRD.read_text())
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return list(_walk(schema, ()))


def _walk(schema: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    if schema.get("properties"):
        for name, inner in schema["properties"].items():
            yield from _walk(inner, (*path, name))
    elif schema.get("type") == "array":
        yield from _walk(schema["items"], (*path, 0))
    else:
        yield path, schema


def singles() -> list[Operation]:
    """One change of one leaf."""
    every, made = bases(), []
    for path, schema in leaves():
        name = max(every, key=lambda each: _depth(every[each], path))
        base, field = every[name], ".".join(map(str, path))
        for what, value in _values(field, path, schema):
            if value is _DELETED and _depth(base, path) < len(path):
                continue  # it is not there
            made.append(Operation(f"{field}={what}", name, (field,), _with(base, path, value)))
    return [each for each in made if each.spec != every[each.base]]


def whole() -> list[Operation]:
    """Specs that are no spec."""
    made: list[tuple[str, Any]] = [("nothing", {}), ("null", None), ("text", "churn"), ("list", [])]
    return [Operation(f"spec={what}", "everything", ("spec", "image"), spec) for what, spec in made]


def pairs(seed: int, count: int) -> list[Operation]:
    """Two changes at once, of fields that have to do with one another: those of one section, and known couples."""
    dice, single = random.Random(seed), singles()
    known = dict(leaves())
    made: dict[str, Operation] = {}
    while len(made) < count:
        first = dice.choice(single)
        section = first.fields[0].split(".")[0]
        coupled = {section, *COUPLED.get(section, ())}
        others = [
            o
            for o in single
            if o.base == first.base and o.fields != first.fields and o.fields[0].split(".")[0] in coupled
        ]
        if not others:
            continue
        second = dice.choice(others)
        path = next(leaf for leaf in known if ".".join(map(str, leaf)) == second.fields[0])
        what = second.id.split("=", 1)[1]
        value = dict(_values(second.fields[0], path, known[path]))[what]
        both = f"{first.id}&{second.id}"
        try:
            made[both] = Operation(both, first.base, (*first.fields, *second.fields), _with(first.spec, path, value))
        except TypeError:  # the first change has left nothing that the second could go into
            continue
    return list(made.values())


COUPLED: Mapping[str, tuple[str, ...]] = {
    "replicas": ("autoscaling", "disruptionBudget", "suspend", "rollout"),
    "autoscaling": ("replicas", "suspend", "resources"),
    "gpu": ("resources", "scheduling"),
    "resources": ("gpu", "autoscaling"),
    "port": ("monitoring", "probes"),
    "runtime": ("port", "monitoring", "image", "probes"),
    "disruptionBudget": ("replicas", "autoscaling"),
    "storage": ("security",),
    "model": ("image", "runtime"),
}

_DELETED = object()


def _values(field: str, path: Path, schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "deleted", _DELETED
    yield "null", None
    yield "wrong-type", {"a": [1]} if schema.get("type") != "object" else "text"
    if "default" in schema:
        yield "default", schema["default"]
    yield from ((f"enum-{value}", value) for value in schema.get("enum", ()))
    yield from _of_type(schema)
    yield from ((f"meant-{number}", value) for number, value in enumerate(MEANT.get(field, ())))
    if isinstance(path[-1], str):
        yield "typo", _Typo(path[-1])


def _of_type(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    kind = "string" if schema.get("x-kubernetes-int-or-string") else schema.get("type")
    if kind == "string":
        yield from TEXTS.items()
        yield "number", 7
        longest = schema.get("maxLength", 253)
        yield from (("longest", "x" * longest), ("longer", "x" * (longest + 1)))
    elif kind in ("integer", "number"):
        for name, shift in (("minimum", -1), ("maximum", 1)):
            if name in schema:
                yield from ((name, schema[name]), (f"beyond-{name}", schema[name] + shift))
        yield from (("huge", 2**53), ("negative", -(2**31)), ("text", "seven"))
    elif kind == "boolean":
        yield from (("true", True), ("false", False), ("text", "yes"))
    elif "additionalProperties" in schema:
        for what, text in TEXTS.items():
            yield from ((f"key-{what}", {text: "a"}), (f"value-{what}", {"a": text}))


@dataclass(frozen=True)
class _Typo:
    """A field under a name that is nearly its own."""

    name: str


def _with(base: Any, path: Path, value: Any) -> Any:
    """A copy with one place changed; what leads there is made."""
    made = copy.deepcopy(base)
    here: Any = made
    for part, following in pairwise(path):
        there: Any = [] if isinstance(following, int) else {}
        if isinstance(part, int):
            if not here:
                here.append(there)
        elif part not in here or here[part] is None:
            here[part] = there
        here = here[part]
    last = path[-1]
    if isinstance(value, _Typo):
        here[value.name + "s"] = here.pop(value.name, 1)
    elif value is _DELETED:
        if isinstance(last, int):
            del here[last:]
        else:
            here.pop(last, None)
    elif isinstance(last, int):
        here[last:] = [value]
    else:
        here[last] = value
    return made


def _depth(base: Any, path: Path) -> int:
    """How much of a path is there."""
    depth = 0
    for part in path:
        try:
            base = base[part]
        except (KeyError, IndexError, TypeError):
            return depth
        depth += 1
    return depth
