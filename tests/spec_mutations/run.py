"""The spec campaign: every operation on a real API server, with the operator at work.

    python -m spec_mutations.run                      # everything, the pairs by seed
    python -m spec_mutations.run --only port=minimum  # one operation

Each operation changes a model that exists, and makes a fresh one of the same spec in another namespace. Then all changes
are undone, and done again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from bench.load import at_once
from bench.measure import client, watching
from fault_injection import oracle
from measured_sections import conclude
from monitored_models.api import Model, parse
from monitored_models.kube.client import KubeClient
from monitored_models.kube.errors import ApiError
from monitored_models.naming.kinds import CHILDREN, DEPLOYMENT, MODEL, PROMETHEUS_RULE
from monitored_models.process.resync import MANAGED_SELECTOR
from monitored_models.render.rules.alerts.alert import Alert, ObjectiveAlert
from monitored_models.render.rules.alerts.groups import ALERTS
from monitored_models.render.rules.alerts.objective_alerts import OBJECTIVES
from operator_testbed import OWN_CRDS, Bed, prometheus_crds, run, running_bed
from spec_mutations.mutations import Operation, bases, pairs, singles, whole
from testbed import clock, tools

CHANGED, FRESH = "campaign-changed", "campaign-fresh"
PATIENCE, QUIET_SECONDS, LEASES = 300.0, 5.0, 6
PAIRS = 400
FOREIGN = "example.com/foreign"
TELLING = ("InvalidSpec", "Rejected", "NameConflict", "CRDTooOld")
"""Reasons of conditions that name a field."""
Object = dict[str, Any]
State = dict[str, dict[str, Object]]


@dataclass
class Outcome:
    """What came of an operation."""

    operation: Operation
    verdict: str = ""
    """refused, seen, told or same."""
    message: str = ""
    alarms: list[str] = field(default_factory=list)


class Campaign:
    """All operations at once: each has a model of its own."""

    def __init__(self, bed: Bed, cluster: KubeClient, operations: Iterable[Operation]) -> None:
        self.bed, self.cluster = bed, cluster
        self.outcomes = {f"op-{number}": Outcome(each) for number, each in enumerate(operations)}

    async def run(self) -> list[Outcome]:
        """Change, compare, undo, compare, change again, compare; then silence."""
        every = bases()
        for namespace in (CHANGED, FRESH):
            self.bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        async with watching(self.cluster) as progress:

            async def settle(what: str) -> None:
                try:
                    await progress.until(lambda p: self._known(p.generations), PATIENCE)
                except TimeoutError:
                    raise AssertionError(f"{what}: no status for {self._behind(progress.generations)}") from None
                await self._silence()

            self._generations: dict[str, int] = {}
            await self._all(self._create, {name: every[o.operation.base] for name, o in self.outcomes.items()}, CHANGED)
            await settle("create")
            before = await self._state(CHANGED)
            await self._mark_foreign()

            refused = await self._all(self._replace, {n: o.operation.spec for n, o in self.outcomes.items()}, CHANGED)
            fresh = await self._all(self._create, {n: o.operation.spec for n, o in self.outcomes.items()}, FRESH)
            await settle("change")
            changed = await self._state(CHANGED)
            self._judge(before, changed, await self._state(FRESH), refused, fresh)
            self._rules(changed)
            await self._foreign_is_left()

            kept = [name for name, outcome in self.outcomes.items() if outcome.verdict != "refused"]
            await self._all(self._replace, {n: every[self.outcomes[n].operation.base] for n in kept}, CHANGED)
            await settle("undo")
            self._same(before, await self._state(CHANGED), "after undo")
            await self._all(self._replace, {n: self.outcomes[n].operation.spec for n in kept}, CHANGED)
            await settle("again")
            self._same({**before, **{n: changed[n] for n in kept}}, await self._state(CHANGED), "on again")
        return list(self.outcomes.values())

    # --- doing ---

    async def _all(self, do: Any, specs: dict[str, Any], namespace: str) -> dict[str, str]:
        """Write all; returns refusals by name."""
        refused: dict[str, str] = {}

        async def one(name: str, spec: Any) -> None:
            try:
                body = await do(namespace, name, spec)
                self._generations[f"{namespace}/{name}"] = body["metadata"]["generation"]
            except ApiError as error:
                if error.transient:
                    raise
                refused[name] = error.message

        await at_once(partial(one, name, spec) for name, spec in specs.items())
        return refused

    async def _create(self, namespace: str, name: str, spec: Any) -> Object:
        return await self.cluster.request("POST", MODEL.path(namespace), STRICT, _body(namespace, name, spec))

    async def _replace(self, namespace: str, name: str, spec: Any) -> Object:
        path = MODEL.path(namespace, name)
        version = (await self.cluster.request("GET", path))["metadata"]["resourceVersion"]
        return await self.cluster.request("PUT", path, STRICT, _body(namespace, name, spec, resourceVersion=version))

    async def _mark_foreign(self) -> None:
        """Someone else writes on every Deployment."""
        patch = {"metadata": {"annotations": {FOREIGN: "kept"}, "labels": {FOREIGN: "kept"}}}
        await at_once(
            partial(
                self.cluster.request,
                "PATCH",
                DEPLOYMENT.path(CHANGED, name),
                {"fieldManager": "someone"},
                patch,
                content_type="application/merge-patch+json",
            )
            for name in self.outcomes
        )
        await self._silence()

    async def _silence(self) -> None:
        """Wait until nothing is written any more, by the version of the whole store; the API server itself writes Leases."""
        seen, since = 0, time.monotonic()
        while time.monotonic() - since < QUIET_SECONDS:
            listed = await self.cluster.request("GET", MODEL.path(), {"limit": "1"})
            if (now := int(listed["metadata"]["resourceVersion"])) > seen + LEASES:
                seen, since = now, time.monotonic()
            await asyncio.sleep(0.5)

    # --- seeing ---

    async def _state(self, namespace: str) -> State:
        """All objects by model, without what differs between any two."""
        found: State = {name: {} for name in self.outcomes}
        for kind in sorted(await self.cluster.served_kinds((MODEL, *CHILDREN)), key=(MODEL, *CHILDREN).index):
            async for items, _ in self.cluster.list_pages(kind, namespace, None if kind is MODEL else MANAGED_SELECTOR):
                for item in items:
                    owners = item["metadata"].get("ownerReferences") or [{"name": item["metadata"]["name"]}]
                    if kind is MODEL:
                        item.pop("spec", None)
                    else:
                        item.pop("status", None)
                        for place in ("annotations", "labels"):
                            left = {k: v for k, v in item["metadata"].pop(place, {}).items() if k != FOREIGN}
                            item["metadata"] |= {place: left} if left else {}
                    found[owners[0]["name"]][kind.name] = oracle.stable(item, namespace)
        return found

    async def _foreign_is_left(self) -> None:
        async for items, _ in self.cluster.list_pages(DEPLOYMENT, CHANGED, MANAGED_SELECTOR):
            for item in items:
                name, metadata = item["metadata"]["name"], item["metadata"]
                if FOREIGN not in metadata.get("annotations", {}) or FOREIGN not in metadata["labels"]:
                    self.outcomes[name].alarms.append("a foreign annotation or label is gone")

    def _known(self, generations: dict[str, int]) -> bool:
        return all(generations.get(name, 0) >= generation for name, generation in self._generations.items())

    def _behind(self, generations: dict[str, int]) -> list[str]:
        late = [name for name, generation in self._generations.items() if generations.get(name, 0) < generation]
        return [f"{name} {self.outcomes[name.split('/')[1]].operation.id}" for name in late][:10]

    # --- judging ---

    def _judge(
        self, before: State, changed: State, fresh: State, refused: dict[str, str], afresh: dict[str, str]
    ) -> None:
        for name, outcome in self.outcomes.items():
            if (name in refused) != (name in afresh):
                outcome.alarms.append(f"update says {refused.get(name)!r}, create says {afresh.get(name)!r}")
            if name in refused:
                outcome.verdict, outcome.message = "refused", refused[name]
            else:
                self._judge_accepted(outcome, before[name], changed[name], fresh[name])
            if outcome.message and not any(word in outcome.message for word in outcome.operation.words):
                outcome.alarms.append(f"no field is named: {outcome.message}")

    def _judge_accepted(
        self, outcome: Outcome, before: dict[str, Object], changed: dict[str, Object], fresh: dict[str, Object]
    ) -> None:
        outcome.message = _told(changed)
        told = oracle.differences(_children(fresh), _children(changed))
        if "autoscaling" in outcome.operation.spec:  # how many there are is for the autoscaler to say
            told = [each for each in told if ".spec.replicas is" not in each]
        if outcome.message:  # what was there before stays, and of a fresh one nothing is made
            outcome.verdict = "told"
        elif told:
            outcome.alarms.append(f"differs from a fresh one: {told[0]}")
        elif oracle.differences(before, changed):
            outcome.verdict = "seen"
        elif _means_the_same(outcome.operation):
            outcome.verdict = "same"
        else:
            outcome.alarms.append("accepted, and without any effect")

    def _same(self, expected: State, found: State, when: str) -> None:
        for name, outcome in self.outcomes.items():
            if _told(expected[name]):
                continue  # what stays is what was there before
            if told := oracle.differences(expected[name], found[name]):
                outcome.alarms.append(f"{when}: {told[0]}")

    def _rules(self, state: State) -> None:
        """What promtool says of every rule file."""
        promtool = tools.ensure("promtool")["promtool"]
        with tempfile.TemporaryDirectory() as folder:
            files = {}
            for name, objects in state.items():
                if rule := objects.get(PROMETHEUS_RULE.name):
                    files[name] = Path(folder) / f"{name}.yaml"
                    files[name].write_text(yaml.safe_dump({"groups": rule["spec"]["groups"]}))
            names = list(files)
            for start in range(0, len(names), 200):
                part = names[start : start + 200]
                if run([promtool, "check", "rules", *(files[name] for name in part)]).returncode:
                    for name in part:
                        answer = run([promtool, "check", "rules", files[name]])
                        if answer.returncode:
                            self.outcomes[name].alarms.append(f"promtool: {answer.stderr[:500]}")


STRICT = {"fieldValidation": "Strict", "fieldManager": "campaign"}


def _body(namespace: str, name: str, spec: Any, **metadata: Any) -> Object:
    metadata = {"name": name, "namespace": namespace, **metadata}
    return {"apiVersion": MODEL.api_version, "kind": MODEL.name, "metadata": metadata, "spec": spec}


def _children(objects: dict[str, Object]) -> dict[str, Object]:
    return {key: value for key, value in objects.items() if key != MODEL.name}


def _told(objects: dict[str, Object]) -> str:
    """The message of a condition that speaks of a field."""
    conditions = objects.get(MODEL.name, {}).get("status", {}).get("conditions", [])
    return next((c["message"] for c in conditions if c["status"] == "False" and c["reason"] in TELLING), "")


EVERY_ALERT: tuple[Alert | ObjectiveAlert, ...] = (*ALERTS, *OBJECTIVES)
SPELT_OUT = {
    f"monitoring.alerts.rules.{alert.name}.{field}"
    for alert in EVERY_ALERT
    for field in (f"severity=enum-{alert.severity}", "enabled=true")
} | {f"probes.{probe}.initialDelaySeconds=minimum" for probe in ("startup", "readiness", "liveness")}
"""Operations that say what holds anyway: of an alert, or by the runtime's profile."""


def _without_nulls(value: Any) -> Any:
    """As the API server understands it: a null is a field that was left out."""
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


def _means_the_same(operation: Operation) -> bool:
    """Whether the change says in other words what was said before."""
    # What is left out and leaves no gap was what the operator takes anyway; other values of the field show that it counts.
    if operation.id in SPELT_OUT or all(each.endswith(("=deleted", "=null")) for each in operation.id.split("&")):
        return True
    one, other = (
        parse(_body("a", "b", spec, uid="u", generation=1))
        for spec in (bases()[operation.base], _without_nulls(operation.spec))
    )
    return isinstance(one, Model) and isinstance(other, Model) and one.spec == other.spec


def sample(seed: int, count: int) -> list[Operation]:
    """So many operations: at least one of every leaf, the others by chance; a tenth of them pairs."""
    dice, single = random.Random(seed), singles()
    dice.shuffle(single)
    first = {each.fields: each for each in single}
    others = [each for each in single if first[each.fields] is not each]
    coupled = pairs(seed, count // 10)
    return [*whole(), *first.values(), *others[: max(0, count - len(first) - len(coupled) - 4)], *coupled]


async def climb(bed: Bed, operations: Iterable[Operation]) -> list[Outcome]:
    """Run a campaign on a control plane with the operator at work."""
    async with client(bed) as cluster:
        return await Campaign(bed, cluster, operations).run()


def report(outcomes: list[Outcome], seed: int, seconds: float) -> str:
    """The result as Markdown."""
    verdicts, alarms = Counter(o.verdict for o in outcomes), [o for o in outcomes if o.alarms]
    head = (
        f"Run on {clock.now():%Y-%m-%d} with seed {seed}: {len(outcomes)} operations, each done, undone and done "
        f"again, beside a fresh model of each, in {seconds / 60:.0f} minutes; {len(alarms)} alarms.\n"
    )
    meaning = {
        "refused": "refused at admission, naming the field",
        "seen": "seen in a child or in the status",
        "told": "named in a condition",
        "same": "says what was said before in other words",
    }
    rows = [f"| {text} | {verdicts[verdict]} |" for verdict, text in meaning.items()]
    return "\n".join([head, "| what became of it | operations |", "| :--- | ---: |", *rows, ""])


def main() -> None:
    """Run; exit with 1 when there was an alarm."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", help="ids of operations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, help="a sample of so many instead of all")
    parser.add_argument("--out", type=Path, help="page whose measured part is replaced")
    given = parser.parse_args()
    operations = sample(given.seed, given.count) if given.count else [*whole(), *singles(), *pairs(given.seed, PAIRS)]
    if given.only:
        operations = [each for each in operations if each.id in given.only]
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="campaign-") as folder,
        running_bed(Path(folder), [*OWN_CRDS, *prometheus_crds()], controllers=False) as bed,
        bed.operator(),
    ):
        outcomes = asyncio.run(climb(bed, operations))
    for outcome in outcomes:
        if outcome.alarms:
            print(f"ALARM {outcome.operation.id}: {json.dumps(outcome.alarms, ensure_ascii=False)[:1500]}")
    text = report(outcomes, given.seed, time.monotonic() - began)
    conclude(text, given.out, alarm=any(outcome.alarms for outcome in outcomes))


if __name__ == "__main__":
    main()
