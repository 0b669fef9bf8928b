"""Who is told of which alerts: the AlertmanagerConfig, the label that leads to it, and what becomes of it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from monitored_models.api import (
    InvalidSpec,
    Model,
    MonitoringProfile,
    ProfileSpec,
    parse,
    parse_profile,
    profile_problems,
)
from monitored_models.cache.children import observed_child
from monitored_models.cache.cluster_cache import ClusterCache
from monitored_models.kube.errors import ApiError
from monitored_models.naming import object_names
from monitored_models.naming.keys import Key, OwnerKey, ProfileKey
from monitored_models.naming.kinds import ALERTMANAGER_CONFIG, CHILDREN, EVENT, MODEL, PROFILE, Kind
from monitored_models.naming.labels import FIELD_MANAGER
from monitored_models.plan.desired_state import summarize
from monitored_models.render.children import render, render_profile
from monitored_models.render.notifications import templates
from monitored_models.settings import InvalidSettings, Settings, load
from monitored_models.status.build import build_status
from monitored_models.status.changes import condition
from monitored_models.status.status_input import NotificationState, NotificationsUnknown, StatusInput
from unit.cache.test_cluster_cache import memory
from unit.notification_specs import EMAIL, EVERY_FIELD, HOOK, NIGHT, PAGER, SLACK
from unit.reconcilers import profile_reconciler

JSON = dict[str, Any]
GOLD = ProfileKey("risk", "gold")
CONFIG = "gold.notifications"


def profile(*told: JSON, name: str = "gold") -> MonitoringProfile:
    monitoring = parse_profile({"notifications": list(told)})
    assert not isinstance(monitoring, InvalidSpec), str(monitoring)
    return MonitoringProfile("risk", name, "uid-gold", monitoring)


def spec_of(*told: JSON) -> JSON:
    (child,) = render_profile(profile(*told), Settings())
    return dict(child["spec"])


def model(monitoring: JSON | None = None, shared: JSON | None = None) -> Model:
    body = {
        "apiVersion": MODEL.api_version,
        "kind": MODEL.name,
        "metadata": {"name": "churn", "namespace": "risk", "uid": "uid-churn", "generation": 1},
        "spec": {"image": "a:1", "monitoring": monitoring or {}},
    }
    made = parse(body, monitoring_profile=ProfileSpec("gold", shared) if shared is not None else None)
    assert isinstance(made, Model), str(made)
    return made


def told_by(made: Model) -> set[str | None]:
    (rules,) = [child for child in render(made, Settings(), 1) if child["kind"] == "PrometheusRule"]
    alerts = [rule for group in rules["spec"]["groups"] for rule in group["rules"] if "alert" in rule]
    return {rule["labels"].get("notified_by") for rule in alerts}


def own(made: Model) -> list[JSON]:
    return [child for child in render(made, Settings(), 1) if child["kind"] == ALERTMANAGER_CONFIG.name]


# --- who tells ---


def test_profile_without_notifications_has_no_configuration() -> None:
    assert render_profile(profile(), Settings()) == []
    assert told_by(model()) == {None}


def test_alerts_name_the_configuration_of_their_profile() -> None:
    made = model(shared={"notifications": [SLACK]})
    assert told_by(made) == {CONFIG}
    assert own(made) == []


def test_model_with_notifications_of_its_own_has_its_own_configuration_alone() -> None:
    made = model({"notifications": [HOOK]}, shared={"notifications": [SLACK]})
    assert told_by(made) == {"churn"}
    (config,) = own(made)
    assert config["metadata"]["name"] == "churn"
    assert [receiver["name"] for receiver in config["spec"]["receivers"]] == ["_nobody", "hook"]


def test_model_with_an_empty_list_tells_nobody() -> None:
    made = model({"notifications": []}, shared={"notifications": [SLACK]})
    assert told_by(made) == {None}
    assert own(made) == []
    assert object_names.notifier(made) is None


def test_model_whose_profile_does_not_fit_is_not_told_of_by_it() -> None:
    misfit = {"notifications": [SLACK], "scrape": {"interval": "5s"}}
    made = model({"scrape": {"timeout": "20s"}}, shared=misfit)
    assert [note.reason for note in made.notes] == ["ProfileInvalid"]
    assert told_by(made) == {None}


@pytest.mark.parametrize("name", ["a", "a.b", "x" * 253, f"{'x' * 199}.{'y' * 53}"])
def test_name_of_a_profiles_configuration_is_a_name_and_no_models(name: str) -> None:
    made = object_names.notifications(name)
    assert len(made) <= 253
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+", made)


def test_names_of_configurations_differ_where_those_of_profiles_do() -> None:
    given = ["a", "a.notifications", "x" * 252, "x" * 253, "x" * 200, "x" * 201]
    assert len({object_names.notifications(name) for name in given}) == len(given)


# --- routes and receivers ---


def test_routes_are_bound_to_the_namespace_and_to_the_label_whatever_the_strategy() -> None:
    route = spec_of(SLACK)["route"]
    assert {m["name"]: (m["matchType"], m["value"]) for m in route["matchers"]} == {
        "namespace": ("=", "risk"),
        "notified_by": ("=", CONFIG),
    }
    assert route["groupBy"] == ["namespace", "monitored_model", "signal"]


@pytest.mark.parametrize(
    ("given", "matched"),
    [(None, "critical|warning"), (["info"], "info"), (["warning", "critical", "warning"], "critical|warning")],
)
def test_severities_are_told_that_were_asked_for(given: list[str] | None, matched: str) -> None:
    (route,) = spec_of({**SLACK, **({"severities": given} if given else {})})["route"]["routes"]
    assert route["matchers"] == [{"name": "severity", "value": matched, "matchType": "=~"}]


def test_other_severities_end_with_nobody_and_every_receiver_gets_its_turn() -> None:
    spec = spec_of(*EVERY_FIELD)
    assert spec["route"]["receiver"] == "_nobody"
    assert spec["receivers"][0] == {"name": "_nobody"}
    assert all(route["continue"] for route in spec["route"]["routes"])
    assert [route["receiver"] for route in spec["route"]["routes"]] == [told["name"] for told in EVERY_FIELD]


def test_secrets_stand_there_by_name_and_nothing_of_a_user_is_a_template() -> None:
    spec = spec_of(*EVERY_FIELD)
    by_name = {receiver["name"]: receiver for receiver in spec["receivers"]}
    (slack,), (pager,) = by_name["team"]["slackConfigs"], by_name["oncall"]["pagerdutyConfigs"]
    (email,), (hook,) = by_name["mail"]["emailConfigs"], by_name["hook"]["webhookConfigs"]
    assert slack["apiURL"] == {"name": "slack", "key": "url"}
    assert pager["routingKey"] == {"name": "pager", "key": "key"}
    assert email["authPassword"] == {"name": "smtp", "key": "password"}
    assert hook == {"urlSecret": {"name": "hook", "key": "url"}, "sendResolved": True}
    assert (slack["sendResolved"], email["requireTLS"]) == (False, False)


@pytest.mark.parametrize(
    ("told", "field"),
    [
        ({**SLACK, "slack": {**SLACK["slack"], "channel": "#{{ .Status }}"}}, "channel"),
        ({**EMAIL, "email": {**EMAIL["email"], "to": "{{ .Status }}@example.com"}}, "to"),
        ({**EMAIL, "email": {**EMAIL["email"], "from": "a@{{x}}"}}, "from"),
        ({**EMAIL, "email": {**EMAIL["email"], "smarthost": "{{x}}:25"}}, "smarthost"),
        ({**EMAIL, "email": {**EMAIL["email"], "authUsername": "{{x}}"}}, "authUsername"),
        ({**EMAIL, "email": {**EMAIL["email"], "to": "a@example.com\r\nBcc: b@example.com"}}, "to"),
        ({**SLACK, "name": "{{x}}"}, "name"),
        ({**HOOK, "webhook": {"url": "https://example.com"}}, "url"),
    ],
)
def test_template_or_address_in_the_open_is_refused(told: JSON, field: str) -> None:
    assert f".{field}: " in str(profile_problems({"notifications": [told]}))


def test_settings_have_no_notifications(tmp_path: Any) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(json.dumps({"monitoring": {"notifications": [SLACK]}}))
    with pytest.raises(InvalidSettings, match="put them into a MonitoringProfile"):
        load(file)


def test_two_receivers_of_a_name_are_refused() -> None:
    assert "'team' stands there twice" in str(profile_problems({"notifications": [SLACK, SLACK]}))


def test_templates_are_whole() -> None:
    for name, text in vars(templates).items():
        if name.isupper() and isinstance(text, str):
            opened = len(re.findall(r"\{\{ (?:if|range|with) ", text))
            assert opened == text.count("{{ end }}"), name
            assert text.count("{{") == text.count("}}"), name


# --- inhibition ---


def matches(matchers: list[JSON], alert: Mapping[str, str]) -> bool:
    """As Alertmanager does."""
    for matcher in matchers:
        value = alert.get(matcher["name"], "")
        same = value == matcher["value"]
        if not (same if matcher["matchType"] == "=" else re.fullmatch(matcher["value"], value)):
            return False
    return True


def silenced(by: JSON, alert: JSON, *told: JSON) -> bool:
    return any(
        matches(rule["sourceMatch"], by)
        and matches(rule["targetMatch"], alert)
        and all(by.get(label) == alert.get(label) for label in rule["equal"])
        for rule in spec_of(*told).get("inhibitRules", ())
    )


def alert(name: str, signal: str, severity: str, **labels: str) -> JSON:
    where = {"namespace": "risk", "monitored_model": "churn", "notified_by": CONFIG}
    return {"alertname": name, "signal": signal, "severity": severity, **where, **labels}


DOWN = alert("ModelReplicasMissing", "workload", "critical")
LOST = alert("ModelTargetDown", "workload", "warning", pod="a")
ERRORS = alert("ModelErrorRatioHigh", "availability", "critical")
SLOW = alert("ModelLatencyHigh", "latency", "warning")
WRONG = alert("ModelAccuracyLow", "quality", "warning")
BURN = alert("ModelErrorBudgetSlowBurn", "slo-cached", "warning")
OLD = alert("ModelStale", "freshness", "warning")


@pytest.mark.parametrize("target", [ERRORS, SLOW, WRONG, BURN, LOST], ids=lambda a: a["alertname"])
def test_model_that_is_down_silences_what_follows_from_it(target: JSON) -> None:
    assert silenced(DOWN, target, SLACK)


@pytest.mark.parametrize("target", [OLD, DOWN], ids=lambda a: a["alertname"])
def test_model_that_is_down_does_not_silence_what_is_true_all_the_same(target: JSON) -> None:
    assert not silenced(DOWN, target, SLACK)


@pytest.mark.parametrize(
    "other", [{"monitored_model": "limits"}, {"namespace": "other"}, {"notified_by": "limits"}, {"notified_by": ""}]
)
def test_nothing_silences_an_alert_of_another_model_or_configuration(other: JSON) -> None:
    for source in (DOWN, LOST, ERRORS):
        for target in (ERRORS, SLOW, WRONG, LOST):
            assert not silenced(source, {**target, **other}, SLACK)


def test_lost_pod_silences_tickets_and_never_a_page() -> None:
    assert silenced(LOST, SLOW, SLACK)
    assert silenced(LOST, WRONG, SLACK)
    assert not silenced(LOST, ERRORS, SLACK)


def test_critical_silences_warning_of_the_same_signal_only() -> None:
    slow_burn = alert("ModelErrorBudgetSlowBurn", "availability", "warning")
    assert silenced(ERRORS, slow_burn, SLACK)
    assert not silenced(ERRORS, SLOW, SLACK)
    assert not silenced(slow_burn, ERRORS, SLACK)


def test_what_nobody_is_told_of_silences_nothing() -> None:
    only_warnings = {**SLACK, "severities": ["warning"]}
    assert not silenced(DOWN, SLOW, only_warnings)
    assert silenced(LOST, SLOW, only_warnings)
    assert not silenced(LOST, SLOW, PAGER)
    assert "inhibitRules" not in spec_of({**SLACK, "severities": ["info"]})


# --- mute times ---


@pytest.mark.parametrize(
    ("given", "intervals"),
    [
        ({"days": ["saturday", "sunday"]}, [{"weekdays": ["saturday", "sunday"]}]),
        ({"times": [{"start": "09:00", "end": "17:30"}]}, [{"times": [{"startTime": "09:00", "endTime": "17:30"}]}]),
        (
            {"days": ["saturday"], "times": [NIGHT]},
            [
                {"times": [{"startTime": "22:00", "endTime": "24:00"}], "weekdays": ["saturday"]},
                {"times": [{"startTime": "00:00", "endTime": "06:00"}], "weekdays": ["sunday"]},
            ],
        ),
        (
            {"times": [{"start": "22:00", "end": "00:00"}]},
            [{"times": [{"startTime": "22:00", "endTime": "24:00"}]}],
        ),
    ],
)
def test_mute_time_becomes_intervals_within_days(given: JSON, intervals: list[JSON]) -> None:
    spec = spec_of({**SLACK, "muteTimeIntervals": [given]}, PAGER)
    assert spec["muteTimeIntervals"] == [{"name": "team", "timeIntervals": intervals}]
    slack, pager = spec["route"]["routes"]
    assert slack["muteTimeIntervals"] == ["team"]
    assert "muteTimeIntervals" not in pager


# --- what is known of a configuration ---


def config_body(version: int = 5, **changes: Any) -> JSON:
    (child,) = render_profile(profile(SLACK), Settings())
    metadata = {**child["metadata"], "uid": "uid-config", "resourceVersion": str(version)}
    managed = {"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": {"f:spec": {}}}
    return {**child, "metadata": {**metadata, "managedFields": [managed]}, **changes}


def event_body(version: int = 9, name: str = "e", note: str = "no such Secret", **regarding: Any) -> JSON:
    about = {"kind": "AlertmanagerConfig", "name": CONFIG, "uid": "uid-config", "resourceVersion": "5", **regarding}
    return {
        "metadata": {"name": name, "namespace": "risk", "resourceVersion": str(version)},
        "regarding": about,
        "reason": "InvalidConfiguration",
        "note": note,
    }


def profile_body(version: int = 1, uid: str = "uid-gold", **spec: Any) -> JSON:
    return {
        "metadata": {"name": "gold", "namespace": "risk", "uid": uid, "resourceVersion": str(version)},
        "spec": spec or {"notifications": [SLACK]},
    }


def knowing() -> ClusterCache:
    view = ClusterCache()
    view.observe(PROFILE, profile_body())
    assert view.observe(ALERTMANAGER_CONFIG, config_body()) == [GOLD]
    return view


def test_refusal_counts_as_long_as_the_object_is_the_one_that_was_refused() -> None:
    view = knowing()
    assert view.rejection(GOLD, CONFIG) is None
    assert view.observe(EVENT, event_body()) == [GOLD]
    assert view.rejection(GOLD, CONFIG) == "no such Secret"  # prometheus-operator's words but for its preamble
    assert view.observe(EVENT, event_body()) == []
    assert view.observe(ALERTMANAGER_CONFIG, config_body(6)) == [GOLD]
    assert view.rejection(GOLD, CONFIG) is None
    text = f"AlertmanagerConfig {CONFIG} was rejected due to invalid configuration: no such Secret"
    view.observe(EVENT, event_body(10, note=text, resourceVersion="6"))
    assert view.rejection(GOLD, CONFIG) == "no such Secret"
    assert view.forget(EVENT, event_body(11)) == [GOLD]
    assert view.rejection(GOLD, CONFIG) is None


def test_refusal_goes_with_its_event_and_no_other() -> None:
    view = knowing()
    view.observe(EVENT, event_body())
    assert view.remove(EVENT, "other", "e", 10) == []
    assert view.remove(EVENT, "risk", "of another", 10) == []
    assert view.rejection(GOLD, CONFIG) == "no such Secret"
    assert view.remove(EVENT, "risk", "e", 1) == [GOLD]  # of the name no other Event has, so this is not late
    assert view.rejection(GOLD, CONFIG) is None


@pytest.mark.parametrize(
    "event",
    [
        event_body(kind="PrometheusRule"),
        {**event_body(), "reason": "Other"},
        event_body(name="e", uid="of an earlier one"),
        event_body(resourceVersion="4"),
        {"metadata": {"name": "e", "namespace": "risk", "resourceVersion": "9"}},
    ],
)
def test_event_about_something_else_is_no_refusal(event: JSON) -> None:
    view = knowing()
    view.observe(EVENT, event)
    assert view.rejection(GOLD, CONFIG) is None


def test_events_about_objects_of_others_leave_nothing_behind() -> None:
    view = ClusterCache()
    for number in range(100):
        body = event_body(number + 1, name=f"e{number}")
        body["regarding"]["name"] = f"theirs-{number}"
        assert view.observe(EVENT, body) == []
    assert len(view.watched[EVENT].store) == 0


def test_refusal_goes_with_its_object_and_with_a_list_that_lacks_it() -> None:
    view = knowing()
    view.observe(EVENT, event_body())
    assert view.prune(EVENT, {("risk", "e")}, 20) == []
    assert view.prune(EVENT, set(), 8) == []
    assert view.prune(EVENT, set(), 20) == [GOLD]
    view.observe(EVENT, event_body(12))
    view.forget(ALERTMANAGER_CONFIG, config_body(13))
    assert len(view.watched[EVENT].store) == 0


def test_status_of_a_later_prometheus_operator_is_believed_before_events() -> None:
    def bound(status: str) -> JSON:
        verdict = {"type": "Accepted", "status": status, "message": "bad route"}
        binding = {"resource": "alertmanagers", "namespace": "monitoring", "name": "main", "conditions": [verdict]}
        return config_body(7, status={"bindings": [binding]})

    good, bad = observed_child(ALERTMANAGER_CONFIG, bound("True")), observed_child(ALERTMANAGER_CONFIG, bound("False"))
    assert (good.accepted_by, good.rejection) == (("monitoring/main",), None)
    assert (bad.accepted_by, bad.rejection) == ((), "bad route")
    view = knowing()
    view.observe(EVENT, event_body(resourceVersion="9"))
    assert view.observe(ALERTMANAGER_CONFIG, bound("True")) == [GOLD]
    assert view.rejection(GOLD, CONFIG) is None


def test_nothing_stays_of_a_profile_that_is_gone() -> None:
    view = knowing()
    view.forget(PROFILE, profile_body(8))
    view.forget(ALERTMANAGER_CONFIG, config_body(9))
    assert memory(view) == memory(ClusterCache())


def test_late_answer_does_not_bring_a_deleted_configuration_back() -> None:
    view = knowing()
    view.forget(ALERTMANAGER_CONFIG, config_body(9))
    assert view.observe(ALERTMANAGER_CONFIG, config_body(8)) == []
    assert view.children(GOLD) == {}


# --- profiles, reconciled ---


class Answering:
    """An API server for one profile."""

    def __init__(self, error: ApiError | None = None, *, exists: bool = True) -> None:
        self.applied: list[str] = []
        self.deleted: list[str] = []
        self.error, self.there = error, exists

    async def apply(self, _kind: Kind, child: JSON, _uid: str | None) -> JSON:
        if self.error:
            raise self.error
        self.applied.append(child["metadata"]["name"])
        return config_body(len(self.applied) + 20, spec=child["spec"])

    async def delete(self, _kind: Kind, _namespace: str, name: str, _uid: str) -> None:
        self.deleted.append(name)

    async def exists(self, *_: Any) -> bool:
        return self.there

    async def metadata(self, *_: Any) -> JSON | None:
        return None


def reconciling(
    view: ClusterCache, cluster: Answering, served: frozenset[Kind] = frozenset(CHILDREN)
) -> tuple[Any, list[Key]]:
    again: list[Key] = []
    return profile_reconciler(view, cluster, served=served, enqueue=again.extend), again


def crowd(view: ClusterCache) -> None:
    body = {"metadata": {"name": "churn", "namespace": "risk", "uid": "u", "resourceVersion": "3"}}
    view.observe(MODEL, {**body, "spec": {"image": "a:1", "monitoring": {"profile": "gold"}}})


def test_profile_gets_its_configuration_and_its_models_are_looked_at() -> None:
    view, cluster = ClusterCache(), Answering()
    crowd(view)
    view.observe(PROFILE, profile_body())
    profiles, again = reconciling(view, cluster)
    assert profiles.state(GOLD) is None
    assert asyncio.run(profiles.reconcile(GOLD)) is None
    assert cluster.applied == [CONFIG]
    assert profiles.state(GOLD) == NotificationState(CONFIG)
    assert again == [Key("risk", "churn")]


def test_profile_that_tells_nobody_any_more_loses_its_configuration() -> None:
    view, cluster = ClusterCache(), Answering()
    view.observe(PROFILE, profile_body())
    profiles, _ = reconciling(view, cluster)
    asyncio.run(profiles.reconcile(GOLD))
    view.observe(PROFILE, profile_body(2, drift={}))
    asyncio.run(profiles.reconcile(GOLD))
    assert cluster.deleted == [CONFIG]
    assert profiles.state(GOLD) is None


def test_profile_that_cannot_be_understood_changes_nothing() -> None:
    view, cluster = knowing(), Answering()
    view.observe(PROFILE, profile_body(3, notifications=[{"name": "x"}]))
    profiles, _ = reconciling(view, cluster)
    assert asyncio.run(profiles.reconcile(GOLD)) is None
    assert (cluster.applied, cluster.deleted) == ([], [])


def test_configuration_that_vanishes_with_its_profile_is_not_made_anew() -> None:
    view, cluster = ClusterCache(), Answering()
    crowd(view)
    view.observe(PROFILE, profile_body())
    profiles, again = reconciling(view, cluster)
    asyncio.run(profiles.reconcile(GOLD))
    view.forget(ALERTMANAGER_CONFIG, config_body(30))
    cluster.there = False
    asyncio.run(profiles.reconcile(GOLD))
    assert cluster.applied == [CONFIG]
    assert view.profile(GOLD) is None
    assert again == [Key("risk", "churn")] * 2


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ApiError(403, "Forbidden", 'User "x" cannot patch resource "alertmanagerconfigs"'), "Forbidden"),
        (ApiError(422, "Invalid", "spec.route: Invalid value"), "Rejected"),
        (ApiError(404, "NotFound", "the server could not find the requested resource"), "CRDNotInstalled"),
        (ApiError(500, "InternalError", 'strict decoding: field not declared in schema: ".spec.x"'), "CRDTooOld"),
    ],
)
def test_answer_that_stays_is_remembered_and_looked_at_again(error: ApiError, reason: str) -> None:
    view = ClusterCache()
    view.observe(PROFILE, profile_body())
    profiles, _ = reconciling(view, Answering(error))
    assert asyncio.run(profiles.reconcile(GOLD)) == 120.0
    assert [problem.reason for problem in profiles.state(GOLD).problems] == [reason]


def test_kind_that_the_cluster_lacks_is_remembered() -> None:
    view = ClusterCache()
    view.observe(PROFILE, profile_body())
    profiles, _ = reconciling(view, Answering(), frozenset(CHILDREN) - {ALERTMANAGER_CONFIG})
    asyncio.run(profiles.reconcile(GOLD))
    (problem,) = profiles.state(GOLD).problems
    assert problem.reason == "CRDNotInstalled"
    assert "remove the notifications" in problem.message


def test_key_of_a_profile_is_not_that_of_a_model_of_its_name() -> None:
    keys: set[OwnerKey] = {Key("risk", "gold"), ProfileKey("risk", "gold")}
    assert len(keys) == 2
    assert len({str(key) for key in keys}) == 2


# --- the condition ---


def notifications_ready(delivery: NotificationState | NotificationsUnknown | None, stored: JSON | None = None) -> JSON:
    wanted = summarize(model(), [])
    made = build_status(StatusInput(wanted, None, [], [], notifications=delivery), stored or {}, "now")
    assert condition(made, "Ready")["reason"] == "PodsNotReady", "notifications decide nothing else"
    found = condition(made, "NotificationsReady")
    return {key: found[key] for key in ("status", "reason", "message")} if found else {}


def test_condition_is_there_only_where_someone_is_to_be_told() -> None:
    assert notifications_ready(None) == {}
    assert notifications_ready(NotificationsUnknown()) == {}
    assert notifications_ready(NotificationState(CONFIG))["reason"] == "Applied"


def test_condition_stays_as_it_was_while_nothing_is_known() -> None:
    was = {"type": "NotificationsReady", "status": "False", "reason": "ConfigurationRejected", "message": "m"}
    assert notifications_ready(NotificationsUnknown(), {"conditions": [{**was, "lastTransitionTime": "then"}]}) == {
        key: was[key] for key in ("status", "reason", "message")
    }


def test_condition_has_the_words_of_prometheus_operator() -> None:
    found = notifications_ready(NotificationState(CONFIG, rejection="secret slack not found"))
    assert (found["status"], found["reason"]) == ("False", "ConfigurationRejected")
    assert "secret slack not found" in found["message"]
    assert (
        "monitoring/main" in notifications_ready(NotificationState(CONFIG, accepted_by=("monitoring/main",)))["message"]
    )
