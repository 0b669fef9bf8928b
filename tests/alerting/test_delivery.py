"""Alerts of the operator's rules reach whom they should, once, together with what belongs to them, and nobody else.

Each test has namespaces of its own on one Alertmanager, as tenants of one platform have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from alerting import harness as rig_module
from alerting.harness import PLATFORM, Rig
from alerting.routing import CONFIG, DOWN, EVERY_SEVERITY, Notification, Object, address, amc_for_tests, routing_key
from alerting.sinks import Message
from testbed import alertmanager

pytestmark = pytest.mark.e2e

LOG = Notification("log", "webhook")
MODELS = [
    ("ends", "churn"),
    ("groups", "churn"),
    ("groups", "limits"),
    ("down", "churn"),
    ("down", "limits"),
    ("down-other", "churn"),
    ("worse", "churn"),
    ("night", "churn"),
    ("again", "churn"),
    ("tenant-a", "churn"),
    ("tenant-b", "churn"),
    ("twice", "churn"),
    ("shared", "churn"),
]
NO_MODEL = {
    "name": "others",
    "rules": [
        {
            "alert": "QueueFull",
            "expr": 'other_queue_full{namespace="shared"} == 1',
            "labels": {"severity": "critical"},
            "annotations": {"summary": "Not a model's."},
        }
    ],
}
WELL = {"up": True, "slow": False, "failing": False, "accuracy": 0.95, "precision": 0.95, "drift": 0.02}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with rig_module.running(tmp_path_factory.mktemp("bell"), MODELS, groups=[NO_MODEL]) as made:
        yield made


@pytest.fixture(autouse=True)
def _nobody_hears_of_another_namespace(rig: Rig) -> Iterator[None]:
    yield
    owners = {namespace: namespace for namespace, _ in MODELS}
    owners |= {routing_key(namespace): namespace for namespace, _ in MODELS}
    owners |= {address(namespace): namespace for namespace, _ in MODELS}
    for message in rig.sinks.messages:
        if message.to != PLATFORM:
            assert namespaces_in(message) == {owners[message.to]}, message.title


def namespaces_in(message: Message) -> set[str]:
    """Whose alerts a message is about."""
    if message.kind == "webhook":
        return {alert["labels"]["namespace"] for alert in message.body["alerts"]}
    return set(re.findall(r": ([a-z-]+)/[a-z-]+: ", message.title))


def told(rig: Rig, namespace: str, model: str = "churn") -> list[set[str]]:
    """What a namespace's webhook heard of a model, message by message: the alerts that fire."""
    return [
        message.firing
        for message in rig.sinks.of("webhook", namespace, resolved=False)
        if message.body["groupLabels"]["monitored_model"] == model
    ]


def test_every_receiver_hears_of_what_fires_and_of_its_end(rig: Rig) -> None:
    rig.tenant("ends")
    rig.route(amc_for_tests("ends", rig.sinks))
    key = routing_key("ends")
    rig.fleet.set("ends", "churn", slow=True, failing=True)
    ways = [
        ("pagerDuty", key, "ModelErrorRatioHigh"),
        ("slack", "ends", "ModelErrorRatioHigh"),
        ("slack", "ends", "ModelLatencyHigh"),
        ("email", address("ends"), "ModelLatencyHigh"),
        ("webhook", "ends", "ModelErrorRatioHigh"),
        ("webhook", "ends", "ModelLatencyHigh"),
    ]

    def heard(*, resolved: bool) -> bool:
        return all(
            any(alert in message.alerts for message in rig.sinks.of(kind, to, resolved=resolved))
            for kind, to, alert in ways
        )

    rig.wait("everyone hears of it", lambda: heard(resolved=False))
    rig.fleet.set("ends", "churn", **WELL)
    rig.wait("everyone hears of its end", lambda: heard(resolved=True))
    # One for each way and alert, and no more: who is woken for critical alerts only hears of no other.
    assert len(rig.sinks.of("slack", "ends")) == len(rig.sinks.of("webhook", "ends")) == 4
    assert all(message.alerts == {"ModelLatencyHigh"} for message in rig.sinks.of("email", address("ends")))
    trigger, resolve = rig.sinks.of("pagerDuty", key)
    assert (trigger.body["event_action"], resolve.body["event_action"]) == ("trigger", "resolve")
    assert trigger.body["dedup_key"] == resolve.body["dedup_key"]
    assert trigger.body["payload"]["severity"] == "critical"
    begun, ended = (rig.sinks.of("slack", "ends", resolved=resolved) for resolved in (False, True))
    assert {message.body["attachments"][0]["color"] for message in begun} == {"danger", "warning"}
    assert {message.body["attachments"][0]["color"] for message in ended} == {"good"}
    assert {message.body["channel"] for message in begun} == {"#ends"}


def test_alerts_of_one_model_and_signal_are_one_message(rig: Rig) -> None:
    rig.tenant("groups")
    rig.route(amc_for_tests("groups", rig.sinks, [LOG]))
    rig.fleet.set("groups", "churn", accuracy=0.5, precision=0.5)
    rig.fleet.set("groups", "limits", accuracy=0.5)
    rig.wait("both models", lambda: told(rig, "groups") and told(rig, "groups", "limits"))
    assert told(rig, "groups") == [{"ModelAccuracyLow", "ModelPrecisionLow"}]
    assert told(rig, "groups", "limits") == [{"ModelAccuracyLow"}]


def test_a_model_that_is_down_silences_its_own_alerts_and_nobody_elses(rig: Rig) -> None:
    for namespace in ("down", "down-other"):
        rig.tenant(namespace)
    rig.route(*(amc_for_tests(namespace, rig.sinks, [LOG]) for namespace in ("down", "down-other")))
    poor = {"slow": True, "accuracy": 0.5}
    rig.fleet.set("down", "churn", up=False, **poor)
    rig.fleet.set("down", "limits", **poor)
    rig.fleet.set("down-other", "churn", **poor)  # of the same name
    others = {"ModelLatencyHigh", "ModelAccuracyLow"}
    rig.wait(
        "the others are told", lambda: union(told(rig, "down", "limits")) == union(told(rig, "down-other")) == others
    )
    rig.wait("down is told", lambda: told(rig, "down"))
    assert told(rig, "down") == [{DOWN}]
    assert rig.silenced(namespace="down", monitored_model="churn") == {
        DOWN: False,
        "ModelTargetDown": True,
        "ModelLatencyHigh": True,
        "ModelAccuracyLow": True,
    }
    # It is back, and still slow: now that is news.
    rig.fleet.set("down", "churn", up=True)
    rig.wait("the rest is told", lambda: union(told(rig, "down")) == {DOWN, *others})
    assert "ModelTargetDown" not in union(told(rig, "down"))


def test_a_critical_alert_silences_warnings_of_the_same_signal(rig: Rig) -> None:
    rig.tenant("worse")
    rig.route(amc_for_tests("worse", rig.sinks, [LOG]))
    rig.fleet.set("worse", "churn", drift=0.4, accuracy=0.5)
    rig.wait("drift and quality are told", lambda: len(told(rig, "worse")) == 2)
    assert rig.silenced(namespace="worse") == {
        "ModelDriftSevere": False,
        "ModelDriftModerate": True,
        "ModelAccuracyLow": False,
    }
    assert union(told(rig, "worse")) == {"ModelDriftSevere", "ModelAccuracyLow"}
    rig.fleet.set("worse", "churn", drift=0.15)
    rig.wait("the warning is told", lambda: told(rig, "worse")[-1] == {"ModelDriftModerate"})


def test_a_muted_notification_says_nothing_until_its_time_is_over(rig: Rig) -> None:
    rig.tenant("night")
    muted = Notification("team", "slack", EVERY_SEVERITY, muted=True)
    rig.route(amc_for_tests("night", rig.sinks, [muted, LOG]))
    before = suppressed(rig)
    rig.fleet.set("night", "churn", drift=0.4)
    rig.wait("the log hears of it", lambda: told(rig, "night"))
    rig.wait("the team is spared", lambda: suppressed(rig) > before)
    assert not rig.sinks.of("slack", "night")
    rig.bed.apply(amc_for_tests("night", rig.sinks, [Notification("team", "slack"), LOG]))
    rig.follow(lambda configuration: "mute_time_intervals" not in str(configuration["route"]))
    rig.wait("the team hears of it", lambda: rig.sinks.of("slack", "night"))
    # A configuration that is loaded anew repeats nothing.
    assert told(rig, "night") == [{"ModelDriftSevere"}]


def test_what_still_fires_is_repeated(rig: Rig) -> None:
    rig.tenant("again")
    rig.route(amc_for_tests("again", rig.sinks, [LOG], groupInterval="1s", repeatInterval="3s"))
    rig.fleet.set("again", "churn", failing=True)
    rig.wait("three messages", lambda: len(told(rig, "again")) >= 3)
    first, second, third = (message.at for message in rig.sinks.of("webhook", "again")[:3])
    assert min(second - first, third - second) > 2.5
    assert rig.sinks.of("webhook", "again")[2].firing == {"ModelErrorRatioHigh"}
    rig.fleet.set("again", "churn", **WELL)
    rig.wait("its end", lambda: rig.sinks.of("webhook", "again", resolved=True))


def test_tenants_never_get_each_others_alerts(rig: Rig) -> None:
    for namespace in ("tenant-a", "tenant-b"):
        rig.tenant(namespace)
    curious = amc_for_tests("tenant-b", rig.sinks, [LOG])
    curious["spec"]["route"]["matchers"] = [{"name": "namespace", "matchType": "=~", "value": ".*"}]
    meddling = [{"name": "monitored_model", "matchType": "!=", "value": ""}]
    curious["spec"]["inhibitRules"] = [{"sourceMatch": meddling, "targetMatch": meddling, "equal": ["severity"]}]
    rig.route(amc_for_tests("tenant-a", rig.sinks), curious)
    for namespace in ("tenant-a", "tenant-b"):
        rig.fleet.set(namespace, "churn", slow=True, failing=True)
    both = {"ModelLatencyHigh", "ModelErrorRatioHigh"}
    rig.wait("both are told", lambda: union(told(rig, "tenant-a")) == union(told(rig, "tenant-b")) == both)
    rig.wait("all ways of the first", lambda: rig.sinks.of("email", address("tenant-a")))
    rig.wait("all ways of the first", lambda: rig.sinks.of("pagerDuty", routing_key("tenant-a")))
    # Whose alerts came to whom is looked at after every test.


def test_two_configurations_that_overlap_notify_twice(rig: Rig) -> None:
    """Why an alert names the one AlertmanagerConfig that it is for: Alertmanager goes on after each that takes it."""
    rig.tenant("twice")
    amc = amc_for_tests("twice", rig.sinks, [LOG])
    rig.route(*({**amc, "metadata": {**amc["metadata"], "name": name}} for name in ("one", "two")))
    rig.fleet.set("twice", "churn", drift=0.4)
    rig.wait("both are told", lambda: len(told(rig, "twice")) == 2)
    receivers = {message.body["receiver"] for message in rig.sinks.of("webhook", "twice")}
    assert receivers == {"twice/one/log", "twice/two/log"}


def test_alerts_that_are_no_models_are_left_to_the_platform(rig: Rig) -> None:
    rig.tenant("shared")
    rig.route(amc_for_tests("shared", rig.sinks, [LOG]))
    rig.fleet.extra.append('other_queue_full{namespace="shared"} 1')
    rig.fleet.set("shared", "churn", drift=0.4)
    rig.wait("the model's is told", lambda: told(rig, "shared"))
    rig.wait("the other is told", lambda: platform(rig, "shared"))
    assert platform(rig, "shared") == {"QueueFull"}  # and what a tenant's route takes does not go on to the platform's
    assert union(told(rig, "shared")) == {"ModelDriftSevere"}


def platform(rig: Rig, namespace: str) -> set[str]:
    messages = rig.sinks.of("webhook", PLATFORM)
    return {
        alert["labels"]["alertname"]
        for message in messages
        for alert in message.body["alerts"]
        if alert["labels"]["namespace"] == namespace
    }


def suppressed(rig: Rig) -> float:
    return rig.metric('alertmanager_notifications_suppressed_total{reason="mute_time_interval"}')


def union(several: list[set[str]]) -> set[str]:
    return set().union(*several)


@pytest.mark.parametrize("strategy", ["OnNamespace", "OnNamespaceExceptForAlertmanagerNamespace", "None"])
def test_isolation_does_not_hang_on_the_platforms_matcher_strategy(rig: Rig, strategy: str) -> None:
    """With None prometheus-operator adds no namespace to what a tenant writes: the operator's own objects name it."""
    name = f"strategy-{strategy.lower()}"[:40]
    ours = {"strategy": "tested"}  # with None, what others write, like the curious tenant above, hears of everyone
    base = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
    for namespace in ("strategy-a", "strategy-b", PLATFORM):
        rig.tenant(namespace)
        amc = amc_for_tests(namespace, rig.sinks, [LOG])
        amc["metadata"]["labels"] = ours
        rig.bed.apply(amc)
    chosen: Object = {
        "alertmanagerConfigSelector": {"matchLabels": ours},
        "alertmanagerConfigMatcherStrategy": {"type": strategy},
    }
    alertmanager.declare(rig.bed.plane, PLATFORM, name, base, **chosen)
    text = rig.wait(
        "configuration",
        lambda: (
            (found := alertmanager.generated(rig.bed.plane, PLATFORM, name))
            and all(f"strategy-{each}/" in found for each in "ab")
            and f"{PLATFORM}/{CONFIG}/" in found
            and found
        ),
    )
    file = rig.alertmanager.file.with_name(f"{name}.yaml")
    alertmanager.check(text, file)
    for namespace in ("strategy-a", "strategy-b", PLATFORM):
        about = {"monitored_model": "churn", "severity": "critical", "notified_by": CONFIG}
        found = alertmanager.receivers(file, namespace=namespace, **about)
        assert found == [f"{namespace}/{CONFIG}/log"]
