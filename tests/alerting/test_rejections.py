"""What prometheus-operator and Alertmanager say of an AlertmanagerConfig that is wrong: the evidence that the operator has.

Recorded in tests/fixtures/alertmanagerconfigs.yaml; UPDATE_GOLDEN=1 writes it anew. There are four outcomes. `rejected`:
prometheus-operator leaves this one out and says so in an Event. `stuck`: it can no longer make a configuration for anyone,
and says so in its log only. `unloadable`: it makes one that Alertmanager refuses, so that nothing changes for anyone. `taken`.
There is no status and no binding in this version.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerting.harness import NAME, PLATFORM, control_plane
from alerting.routing import CONFIG, NOBODY, Object, amc_for_tests, secrets
from alerting.sinks import Sinks
from monitored_models.cache.rejections import RejectionStore
from monitored_models.naming.keys import Key
from monitored_models.naming.kinds import EVENT
from operator_testbed import Bed
from testbed import alertmanager
from testbed.processes import Process

pytestmark = pytest.mark.e2e

FIXTURE = Path(__file__).parents[1] / "fixtures/alertmanagerconfigs.yaml"
NOWHERE = Sinks("http://127.0.0.1:9", "127.0.0.1:25")
BAD = {"text": "hooks.slack.com/services/T0/B0", "empty": "", "newline": "https://hooks.slack.com/services/T0/B0\n"}
Change = Callable[[Object], None]


def receiver(name: str, **fields: Any) -> Change:
    """Other values in a receiver's configuration; None removes a field."""

    def change(amc: Object) -> None:
        (found,) = (each for each in amc["spec"]["receivers"] if each["name"] == name)
        ((configuration,),) = (value for field, value in found.items() if field != "name")
        configuration.update(fields)
        for field in [field for field, value in fields.items() if value is None]:
            del configuration[field]

    return change


def route(**fields: Any) -> Change:
    return lambda amc: amc["spec"]["route"].update(fields)


def first_route(**fields: Any) -> Change:
    return lambda amc: amc["spec"]["route"]["routes"][0].update(fields)


def key(secret: str, name: str) -> Object:
    return {"name": secret, "key": name}


CASES: dict[str, Change] = {
    "secret-missing": receiver("team", apiURL=key("absent", "url")),
    "key-missing": receiver("team", apiURL=key("slack", "absent")),
    "slack-url-no-url": receiver("team", apiURL=key("bad", "text")),
    "slack-url-empty": receiver("team", apiURL=key("bad", "empty")),
    "slack-url-newline": receiver("team", apiURL=key("bad", "newline")),
    "slack-template-broken": receiver("team", text="{{ .Foo"),
    "webhook-url-no-url": receiver("log", urlSecret=key("bad", "text")),
    "pagerduty-secret-missing": receiver("oncall", routingKey=key("absent", "routing-key")),
    "pagerduty-key-empty": receiver("oncall", routingKey=key("bad", "empty")),
    "mail-secret-missing": receiver("mail", authPassword=key("absent", "password")),
    "mail-without-from": receiver("mail", **{"from": None}),
    "mail-without-smarthost": receiver("mail", smarthost=None),
    "mail-smarthost-without-port": receiver("mail", smarthost="smtp.example.com"),
    "receiver-unknown": first_route(receiver="ghost"),
    "mute-time-unknown": first_route(muteTimeIntervals=["ghost"]),
    "expression-broken": first_route(matchers=[{"name": "severity", "matchType": "=~", "value": "("}]),
    "group-interval-zero": first_route(groupInterval="0s"),
    "group-by-twice": route(groupBy=["namespace", "namespace"]),
}


@dataclass
class Place:
    """A control plane on which prometheus-operator is at work."""

    bed: Bed
    prometheus_operator: Process

    def generated(self) -> str:
        return alertmanager.generated(self.bed.plane, PLATFORM, NAME)

    def tenant(self, namespace: str) -> None:
        self.bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        bad = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "bad", "namespace": namespace},
            "stringData": BAD,
        }
        for secret in (*secrets(namespace, NOWHERE), bad):
            self.bed.apply(secret)

    def event(self, namespace: str) -> Object | None:
        """The Event of a namespace, as much of it as is the same each time; the operator must understand it."""
        events = self.bed.plane.request("GET", f"/apis/events.k8s.io/v1/namespaces/{namespace}/events")[1]["items"]
        if not events:
            return None
        refusals = RejectionStore(lambda *_: Key(namespace, CONFIG))
        refusals.observe(EVENT, events[0])
        refusal = refusals.get(EVENT, namespace, CONFIG)
        assert refusal is not None
        # Without what says only that it was refused, and which.
        assert (
            events[0]["note"]
            == f"AlertmanagerConfig {CONFIG} was rejected due to invalid configuration: {refusal.text}"
        )
        assert refusal.about > 0
        found = {name: events[0][name] for name in ("type", "reason", "reportingController", "note", "regarding")}
        found["regarding"] = {name: found["regarding"][name] for name in ("apiVersion", "kind", "namespace", "name")}
        return found

    def outcome(self, namespace: str, file: Path) -> Object | None:
        """What has become of a namespace's AlertmanagerConfig; None while that is not known."""
        if event := self.event(namespace):
            return {"outcome": "rejected", "event": event}
        marker = f"AlertmanagerConfig {namespace}/{CONFIG}: "
        for line in self.prometheus_operator.log.read_text().splitlines():
            if marker in line:
                said = line[line.index('err="') + 4 :]
                return {"outcome": "stuck", "log": json.loads(said).replace('\\"', '"')}
        if f"{namespace}/{CONFIG}/" in (text := self.generated()):
            try:
                alertmanager.check(text, file)
            except AssertionError as error:
                (said,) = (line for line in str(error).splitlines() if "FAILED: " in line)
                return {"outcome": "unloadable", "amtool": said.partition("FAILED: ")[2]}
            return {"outcome": "taken"}
        return None


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("evidence")
    with control_plane(folder / "plane") as bed, alertmanager.prometheus_operator(bed.plane, folder) as process:
        alertmanager.declare(
            bed.plane, PLATFORM, NAME, {"route": {"receiver": NOBODY}, "receivers": [{"name": NOBODY}]}
        )
        found = Place(bed, process)
        bed.wait("configuration", found.generated)
        yield found


@pytest.mark.parametrize("case", CASES)
def test_what_is_said_of_a_wrong_configuration(case: str, place: Place, tmp_path: Path) -> None:
    place.tenant(case)
    amc = amc_for_tests(case, NOWHERE)
    CASES[case](amc)
    place.bed.apply(amc)
    try:
        outcome = place.bed.wait("an outcome", lambda: place.outcome(case, tmp_path / "alertmanager.yaml"))
        status, live = place.bed.plane.request("GET", place.bed.plane.path(amc))
        assert status == 200
        assert "status" not in live
    finally:
        place.bed.plane.request("DELETE", place.bed.plane.path(amc))
    recorded = yaml.safe_load(FIXTURE.read_text()) if FIXTURE.exists() else {}
    if os.environ.get("UPDATE_GOLDEN"):
        recorded[case] = outcome
        FIXTURE.write_text(
            yaml.safe_dump({name: recorded[name] for name in CASES if name in recorded}, sort_keys=False, width=1000)
        )
    assert recorded[case] == outcome


def test_a_secret_that_goes_and_comes_again(place: Place) -> None:
    """Only the one tenant's routes go, and they come back by themselves; the Event stays, and nothing says that all is well."""
    for namespace in ("goes", "stays"):
        place.tenant(namespace)
        place.bed.apply(amc_for_tests(namespace, NOWHERE))

    def routed() -> set[str]:
        routes = yaml.safe_load(place.generated())["route"].get("routes", ())
        return {each["receiver"].split("/")[0] for each in routes} & {"goes", "stays"}

    place.bed.wait("both", lambda: routed() == {"goes", "stays"})
    assert place.event("goes") is None
    secret = secrets("goes", NOWHERE)[0]
    assert place.bed.plane.request("DELETE", place.bed.plane.path(secret))[0] == 200
    place.bed.wait("the other alone", lambda: routed() == {"stays"})
    event = place.bed.wait("an Event", lambda: place.event("goes"))
    assert event["reason"] == "InvalidConfiguration"
    assert 'secrets "slack" not found' in event["note"]
    place.bed.apply(secret)
    place.bed.wait("both again", lambda: routed() == {"goes", "stays"})
    assert place.event("goes") == event
    assert place.event("stays") is None
