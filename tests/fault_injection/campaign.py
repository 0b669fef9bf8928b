"""Runs plans against the operator and says of each whether what must be true was true."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from fault_injection import oracle
from fault_injection.plans import ANSWERS, LASTING, WATCHED, Plan
from fault_injection.proxy import FAULTS, Call, Proxy, Trap
from fault_injection.scenarios import BASE, NAME, ON_REQUEST, SCENARIOS, Act, delete, recreate, spec
from monitored_models.naming.kinds import DEPLOYMENT, MODEL, POD, PROMETHEUS_RULE, SERVICE
from operator_testbed import Bed, until_same
from testbed.processes import Process

SETTINGS: dict[str, Any] = {
    "requestTimeoutSeconds": 5,
    "resyncSeconds": 5,
    "recheckSeconds": 4,
    "discoverySeconds": 300,
}
"""A request that no fault holds up must be answered in time on a busy machine too: else it is repeated, and counts as a write too many."""
TOGETHER, ALONE = 12, 3
"""Plans at the same time: with one operator for all, with one for each."""
PATIENCE, QUIET_SECONDS = 120.0, 3.0
STATUS_SLACK = 4
"""Status writes that a fault may cause beside those of an undisturbed run: it is told, and told that it is over."""
CHANCE = 0.2
_ids = itertools.count(1)


@dataclass
class Result:
    """What came of a plan."""

    plan: Plan
    alarms: list[str] = field(default_factory=list)
    """What was not as it must be; empty when all was well."""
    writes: int = 0
    seconds: float = 0.0


class Campaign:
    """The place where plans run; `proxy` is at work."""

    def __init__(self, bed: Bed, proxy: Proxy) -> None:
        self.bed, self.proxy = bed, proxy
        self._references: dict[str, tuple[dict[str, Any], Counter[str]]] = {}
        self._kubeconfig = proxy.kubeconfig("operator", bed.directory / "through-proxy.kubeconfig")

    def run(self, plans: Iterable[Plan], tell: Callable[[Result], None] = lambda _: None) -> list[Result]:
        """All plans; first those that share an operator."""
        listed = list(plans)
        results = []
        with self._operator("shared"):
            needed = {p.scenario for p in listed if p.family in ("answer", "kill")}
            needed |= {"create", "update-deployment", "recreate"}  # what the other families compare with
            with ThreadPoolExecutor(TOGETHER) as pool:
                list(pool.map(self._reference, sorted(needed)))
                for result in pool.map(self._run, [plan for plan in listed if not plan.alone]):
                    results.append(result)
                    tell(result)
        with ThreadPoolExecutor(ALONE) as pool:
            for result in pool.map(self._run, [plan for plan in listed if plan.alone]):
                results.append(result)
                tell(result)
        return results

    # --- families ---

    def _run(self, plan: Plan) -> Result:
        result, began = Result(plan), time.monotonic()
        namespace = self._namespace()
        work = {
            "answer": self._answer,
            "kill": self._kill,
            "watch": self._watch,
            "start": self._start,
            "old-lists": self._old_lists,
            "chance": self._chance,
        }[plan.family]
        try:
            work(plan, namespace, result)
        except Exception as error:  # noqa: BLE001 - an alarm like any other; the campaign goes on
            result.alarms.append(f"{type(error).__name__}: {error}"[:3000])
        result.writes, result.seconds = len(self.proxy.writes(namespace)), time.monotonic() - began
        return result

    def _answer(self, plan: Plan, namespace: str, result: Result) -> None:
        """One write, or several in a row, fail; the operator lives."""
        scenario, lasting = SCENARIOS[plan.scenario], plan.fault == LASTING
        fault = FAULTS["500" if lasting else plan.fault]
        self._prepare(plan, namespace)
        began = time.monotonic()
        with self.proxy.trap(Trap(_write_in(namespace), plan.at, fault, times=4 if lasting else 1)) as trap:
            scenario.act(self.bed, namespace)
            self.bed.wait(
                "the fault", lambda: len(trap.sprung) >= trap.times or self._settled(plan, namespace), PATIENCE
            )
            if trap.sprung and (lasting or fault.code == 422) and not trap.sprung[0].resource.endswith("/status"):
                told = f"a {fault.code} of the proxy"
                # What a recreated model meets is over, and tried again, as soon as the old children are gone.
                brief = plan.scenario == "recreate" and not lasting
                self.bed.wait(
                    "a condition that tells",
                    lambda: (
                        told in json.dumps(self.bed.get(MODEL, namespace, NAME))
                        or (brief and self._settled(plan, namespace))
                    ),
                    PATIENCE,
                )
            self._finish(plan, namespace, result, began, trap)
        if fault.retry_after and trap.sprung:
            at = trap.sprung[0].time
            after = [c.time - at for c in self.proxy.calls if c.write and c.namespace == namespace and c.time > at]
            if after and min(after) < fault.retry_after - 0.1:
                result.alarms.append(f"asked again after {min(after):.1f} s instead of {fault.retry_after} s")

    def _kill(self, plan: Plan, namespace: str, result: Result) -> None:
        """The operator dies at a write, and is started again."""
        scenario, fault = SCENARIOS[plan.scenario], FAULTS[plan.fault]
        with self._operator(f"{namespace}-a", namespaces=[namespace]) as process:
            self._prepare(plan, namespace)
            began = time.monotonic()
            trap = Trap(_write_in(namespace), plan.at, fault, kill=process.send_kill)
            with self.proxy.trap(trap):
                if plan.at == 0:
                    process.kill()
                scenario.act(self.bed, namespace)
                self.bed.wait("the kill", lambda: not process.alive() or self._settled(plan, namespace), PATIENCE)
            process.kill()
        with self._operator(f"{namespace}-b", namespaces=[namespace]):
            self._finish(plan, namespace, result, began, trap)

    def _watch(self, plan: Plan, namespace: str, result: Result) -> None:
        """Something happens while a watch tells nothing."""
        resource, act = WATCHED[plan.scenario], INCIDENTS[plan.scenario]

        def matches(call: Call) -> bool:
            return call.watch and call.namespace == namespace and call.resource == resource

        with self._operator(f"{namespace}-a", namespaces=[namespace]):
            self._make(namespace)
            began = time.monotonic()
            spoiled = self.proxy.frozen(matches) if plan.fault == "frozen" else self.proxy.cut(matches, plan.fault)
            with spoiled:
                act(self.bed, namespace)
                time.sleep(1)  # so that all events of it are missed
            expected = self._expected_after(plan.scenario)
            self._await_state(expected, namespace, result)
            self._silence(namespace, result)
            writes = Counter(c.what for c in self.proxy.writes(namespace, began))
            if plan.scenario in ("model-deleted", "pod-deleted") and any("/status" not in what for what in writes):
                result.alarms.append(f"wrote {dict(writes)}")

    def _expected_after(self, incident: str) -> dict[str, Any]:
        if incident == "model-deleted":
            return {}
        scenario = {"model-changed": "update-deployment", "model-recreated": "recreate"}.get(incident, "create")
        return self._references[scenario][0]

    def _start(self, plan: Plan, namespace: str, result: Result) -> None:
        """One request of a start fails."""
        with self._operator(f"{namespace}-a", namespaces=[namespace]) as first:
            self._make(namespace)
            first.terminate()
        began = time.monotonic()
        process = self._start_operator(f"{namespace}-b", namespaces=[namespace])
        trap = Trap(_of_a_start(namespace), plan.at, FAULTS[plan.fault])
        try:
            with self.proxy.trap(trap):
                self.bed.wait("operator started", lambda: process.logged(" models; kinds"), PATIENCE)
                time.sleep(2)  # for what the start has put off
                self._silence(namespace, result)
                if wrote := self.proxy.writes(namespace, began):
                    result.alarms.append(f"a start wrote {[c.what for c in wrote]}")
                SCENARIOS["update-deployment"].act(self.bed, namespace)
                self._await_state(self._references["update-deployment"][0], namespace, result)
        finally:
            process.kill()
        self._no_traceback(f"{namespace}-b")

    def _old_lists(self, _: Plan, namespace: str, result: Result) -> None:
        """A start that is told what was true before the last change."""
        with self._operator(f"{namespace}-a", namespaces=[namespace]) as first:
            self._make(namespace)
            time.sleep(SETTINGS["resyncSeconds"] + 1)  # so that lists of this state have been asked for
            before = time.monotonic()
            SCENARIOS["update-deployment"].act(self.bed, namespace)
            self._await_state(self._references["update-deployment"][0], namespace, result)
            first.terminate()
        self.proxy.replay_lists(namespace, before)
        with self._operator(f"{namespace}-b", namespaces=[namespace]):
            time.sleep(2)  # so that the old lists have been believed
            self._await_state(self._references["update-deployment"][0], namespace, result)
            self._silence(namespace, result)
            if not any(c.fault == "old list" and c.namespace == namespace for c in self.proxy.calls):
                result.alarms.append("no old list was served")

    def _chance(self, plan: Plan, namespace: str, result: Result) -> None:
        """Many actions while requests fail by chance; then all goes well, and everything is as the last action says."""
        dice = random.Random(plan.at)
        traps = [
            Trap(_write_in(namespace), at, FAULTS[dice.choice(ANSWERS)])
            for at in range(1, 60)
            if dice.random() < CHANCE
        ]
        with contextlib.ExitStack() as stack:
            for trap in traps:
                stack.enter_context(self.proxy.trap(trap))
            last: Act = spec()
            for _ in range(6):
                last = dice.choice(ACTS)
                if self.bed.get(MODEL, namespace, NAME) is not None and dice.random() < 0.15:
                    delete(self.bed, namespace)
                last(self.bed, namespace)
                time.sleep(dice.uniform(0, 1.5))
        other = self._namespace()
        last(self.bed, other)
        self._until_settled(other)
        self._await_state(oracle.end_state(self.bed, other), namespace, result)
        self._silence(namespace, result)

    # --- steps ---

    def _prepare(self, plan: Plan, namespace: str) -> None:
        if (before := SCENARIOS[plan.scenario].before) is not None:
            self._make(namespace, **before)

    def _make(self, namespace: str, **fields: Any) -> None:
        spec(**fields)(self.bed, namespace)
        self._until_settled(namespace)

    def _until_settled(self, namespace: str) -> None:
        self.bed.wait_for(namespace, NAME, "Ready", timeout=PATIENCE)
        until_same(lambda: len(self.proxy.writes(namespace)), QUIET_SECONDS)

    def _settled(self, plan: Plan, namespace: str) -> bool:
        """Whether the end is reached although the k-th write never came."""
        return not self._amiss(self._references[plan.scenario][0], namespace)

    def _finish(self, plan: Plan, namespace: str, result: Result, began: float, trap: Trap) -> None:
        expected, budget = self._references[plan.scenario]
        self._await_state(expected, namespace, result)
        self._silence(namespace, result)
        found = Counter(c.what for c in self.proxy.writes(namespace, began) if 200 <= c.code < 300)
        lost = Counter(call.what for call in trap.sprung if trap.fault.passed_on)
        result.alarms += oracle.excess(budget, found, lost, STATUS_SLACK)

    def _await_state(self, expected: dict[str, Any], namespace: str, result: Result) -> None:
        deadline = time.monotonic() + PATIENCE
        while told := self._amiss(expected, namespace):
            if time.monotonic() > deadline:
                result.alarms += told
                return
            time.sleep(0.3)

    def _amiss(self, expected: dict[str, Any], namespace: str) -> list[str]:
        model = self.bed.get(MODEL, namespace, NAME)
        if model and model.get("status", {}).get("observedGeneration") != model["metadata"]["generation"]:
            return ["the status is of an older generation"]
        return oracle.differences(expected, oracle.end_state(self.bed, namespace))

    def _silence(self, namespace: str, result: Result) -> None:
        """Nothing is written once the end is reached."""
        before = len(self.proxy.writes(namespace))
        time.sleep(QUIET_SECONDS)
        for call in self.proxy.writes(namespace)[before:]:
            result.alarms.append(f"not quiet: {call.what} {call.name} {call.code}")

    def _reference(self, name: str) -> None:
        """Remember the end state and the writes of an undisturbed run."""
        namespace, scenario = self._namespace(), SCENARIOS[name]
        if scenario.before is not None:
            self._make(namespace, **scenario.before)
        began = time.monotonic()
        scenario.act(self.bed, namespace)
        if scenario.exists:
            self._until_settled(namespace)
        else:
            self.bed.wait("the end of all objects", lambda: not oracle.end_state(self.bed, namespace), PATIENCE)
        calls = self.proxy.writes(namespace, began)
        self._references[name] = oracle.end_state(self.bed, namespace), Counter(call.what for call in calls)

    def _namespace(self) -> str:
        name = f"fault-{next(_ids):04}"
        self.bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return name

    # --- operators ---

    def _start_operator(self, name: str, **settings: Any) -> Process:
        return self.bed.start_operator(name, kubeconfig=self._kubeconfig, **SETTINGS, **settings)

    @contextlib.contextmanager
    def _operator(self, name: str, **settings: Any) -> Iterator[Process]:
        process = self._start_operator(name, **settings)
        try:
            self.bed.wait("operator started", lambda: process.logged(" models; kinds"), PATIENCE)
            yield process
        finally:
            process.kill()
        self._no_traceback(name)

    def _no_traceback(self, name: str) -> None:
        log = (self.bed.directory / f"{name}.log").read_text()
        if "Traceback" in log:
            raise AssertionError(f"a traceback: {log[log.index('Traceback') - 300 :][:2000]}")


def _write_in(namespace: str) -> Callable[[Call], bool]:
    return lambda call: call.write and call.namespace == namespace


def _of_a_start(namespace: str) -> Callable[[Call], bool]:
    """Requests of a start: in the namespace, or discovery (of this operator or another that starts just then)."""
    return lambda call: call.namespace == namespace or (not call.namespace and not call.name and call.method == "GET")


def _delete_pods(bed: Bed, namespace: str) -> None:
    status, answer = bed.plane.request("DELETE", POD.path(namespace))
    assert status == 200, answer


INCIDENTS: dict[str, Act] = {
    "model-changed": SCENARIOS["update-deployment"].act,
    "model-deleted": delete,
    "model-recreated": recreate,
    "service-deleted": lambda bed, namespace: bed.delete(SERVICE, namespace, NAME),
    "rule-changed": lambda bed, namespace: (
        bed.patch(PROMETHEUS_RULE, namespace, NAME, {"spec": {"groups": []}}),
        None,
    )[1],
    "deployment-deleted": lambda bed, namespace: bed.delete(DEPLOYMENT, namespace, NAME),
    "pod-deleted": _delete_pods,
}
ACTS: list[Act] = [
    *(
        scenario.act
        for scenario in SCENARIOS.values()
        if scenario.before == BASE and scenario.exists and scenario.act is not recreate
    ),
    spec(),
    spec(**ON_REQUEST),
]
