"""What the API server admits and what the parser takes are the same: every rule stands twice, and here they meet."""

from __future__ import annotations

from typing import Any

import pytest

from monitored_models.api import InvalidSpec, parse, profile_problems
from monitored_models.naming.kinds import MODEL, PROFILE
from operator_testbed import Bed, model, profile

pytestmark = pytest.mark.e2e

CPU = {"requests": {"cpu": "1"}}
DATA = {"name": "data", "mountPath": "/data"}
LATENCY = {"histogram": "duration_ms", "scale": 0.001}


def volumes(*given: dict[str, Any]) -> dict[str, Any]:
    return {"storage": {"volumes": list(given)}}


def monitoring(**given: Any) -> dict[str, Any]:
    return {"monitoring": given}


def matchers(**given: str) -> dict[str, Any]:
    return monitoring(signals={"errors": {"counter": "errors_total", "matchers": given}})


GOOD: dict[str, dict[str, Any]] = {
    "nothing but an image": {},
    "replicas 0": {"replicas": 0},
    "autoscaling with a CPU request": {"autoscaling": {"maxReplicas": 3}, "resources": CPU},
    "no GPU": {"gpu": {"count": 0}},
    "GPU beside other resources": {"gpu": {"count": 1}, "resources": CPU},
    "volume": volumes({**DATA, "emptyDir": {}}),
    "surge in percent": {"rollout": {"maxSurge": "25%", "maxUnavailable": "0%"}},
    "no surge": {"rollout": {"maxSurge": 0, "maxUnavailable": 1}},
    "budget": {"disruptionBudget": {"minAvailable": "50%"}},
    "slow scrape": monitoring(scrape={"interval": "2m", "timeout": "90s"}),
    "largest amounts": {"resources": {"requests": {"memory": "999Pi", "cpu": "999999999.999k"}}},
    "integer amount": {"resources": {"requests": {"memory": 999999999999999}}},
    "folder with a space": monitoring(dashboard={"folder": "Risk models"}),
    "scrape in milliseconds": monitoring(scrape={"interval": "1s", "timeout": "500ms"}),
    "signals": monitoring(signals={"latency": LATENCY, "errors": {"counter": "e_total", "matchers": {"s": "5.."}}}),
    "common expressions": matchers(a="5..", b="GET|POST", c="v[0-9]+(\\\\.[0-9]+)*", d="", e="é.*", f="\\\\d\\\\d"),
    "repeated anchor": matchers(a="^*", b="a$?"),
    "node label without a value": {"scheduling": {"nodeSelector": {"node-role.kubernetes.io/gpu": ""}}},
    "alert label": monitoring(alerts={"labels": {"team": "risk"}}),
    "vllm": {"runtime": "vllm", "model": {"uri": "hf://org/model"}},
    "vllm with a command": {"runtime": "vllm", "command": ["serve"]},
    "triton": {"runtime": "triton", "model": {"uri": "s3://bucket/models"}},
    "integer quantity": {"resources": {"limits": {"cpu": 2}}},
    "node label": {"scheduling": {"nodeSelector": {"topology.kubernetes.io/zone": "a"}}},
    "null is nothing": {"replicas": None},
    "variable from a field": {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]},
}

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown field": ({"replica": 1}, "replica"),
    "unknown field inside": (monitoring(alerts={"rules": {"ModelTagetDown": {}}}), "ModelTagetDown"),
    "unknown field in a Kubernetes type": ({"env": [{"name": "A", "valu": "b"}]}, "valu"),
    "unknown runtime": ({"runtime": "vlm"}, "runtime"),
    "text for a number": ({"replicas": "3"}, "replicas"),
    "number for a text": ({"model": {"version": 3}}, "version"),
    "fraction for a quantity": ({"resources": {"requests": {"cpu": 0.5}}}, "cpu"),
    "bad quantity": ({"resources": {"requests": {"memory": "1 GB"}}}, "memory"),
    "too many replicas": ({"replicas": 1001}, "replicas"),
    "negative replicas": ({"replicas": -1}, "replicas"),
    "replicas and autoscaling": ({"replicas": 2, "autoscaling": {"maxReplicas": 3}, "resources": CPU}, "replicas"),
    "autoscaling without a CPU request": ({"autoscaling": {"maxReplicas": 3}}, "resources.requests.cpu"),
    "autoscaling upside down": ({"autoscaling": {"minReplicas": 4, "maxReplicas": 3}, "resources": CPU}, "minReplicas"),
    "GPU twice": ({"gpu": {"count": 1}, "resources": {"limits": {"nvidia.com/gpu": 1}}}, "gpu"),
    "GPU requested twice": ({"gpu": {"count": 1}, "resources": {"requests": {"nvidia.com/gpu": 1}}}, "gpu"),
    "volume without a source": (volumes(DATA), "exactly one"),
    "volume with two sources": (volumes({**DATA, "emptyDir": {}, "configMap": {"name": "a"}}), "exactly one"),
    "reserved volume": (volumes({**DATA, "name": "mm-data", "emptyDir": {}}), "mm-"),
    "two volumes of a name": (volumes({**DATA, "emptyDir": {}}, {**DATA, "mountPath": "/b", "emptyDir": {}}), "data"),
    "two volumes in a place": (volumes({**DATA, "emptyDir": {}}, {**DATA, "name": "b", "emptyDir": {}}), "mountPath"),
    "relative mount path": (volumes({**DATA, "mountPath": "data", "emptyDir": {}}), "mountPath"),
    "host path": (volumes({**DATA, "hostPath": {"path": "/"}}), "hostPath"),
    "no rollout possible": ({"rollout": {"maxSurge": 0, "maxUnavailable": "0%"}}, "maxSurge"),
    "surge above 100%": ({"rollout": {"maxSurge": "101%"}}, "maxSurge"),
    "drain as long as the grace": ({"rollout": {"drainSeconds": 60}}, "drainSeconds"),
    "bad node label": ({"scheduling": {"nodeSelector": {"a b": "c"}}}, "nodeSelector"),
    "budget with nothing": ({"disruptionBudget": {}}, "exactly one"),
    "budget with both": ({"disruptionBudget": {"minAvailable": 1, "maxUnavailable": 1}}, "exactly one"),
    "timeout above interval": (monitoring(scrape={"interval": "5s", "timeout": "6s"}), "timeout"),
    "duration without a unit": (monitoring(scrape={"interval": "30"}), "interval"),
    "signals of a known runtime": (
        {"runtime": "vllm", "model": {"uri": "hf://a/b"}, **monitoring(signals={})},
        "signals",
    ),
    "reserved matcher": (matchers(namespace="other"), "matchers"),
    "reserved matcher of ours": (matchers(monitored_model="other"), "matchers"),
    "matcher that is no label": (matchers(**{"a-b": "c"}), "matchers"),
    "matcher that is no expression": (matchers(code="("), "RE2"),
    "matcher on the metric's name": (matchers(__name__="up"), "matchers"),
    "matcher with a flag": (matchers(code="(?i)a"), "RE2"),
    "matcher with a count": (matchers(code="5[0-9]{2}"), "RE2"),
    "matcher with stacked repetition": (matchers(code="a++"), "RE2"),
    "matcher with an unbalanced group": (matchers(code="a)|(b"), "RE2"),
    "matcher with a rare escape": (matchers(code="\\Qa.b\\E"), "RE2"),
    "matcher with a nested class": (matchers(code="[[:alpha:]]"), "RE2"),
    "matcher with a bracket in a class": (matchers(code="[^][]"), "RE2"),
    "slow scrape": (monitoring(scrape={"interval": "3m"}), "interval"),
    "negative amount": ({"resources": {"requests": {"cpu": -1}}}, "cpu"),
    "amount that would be capped": ({"resources": {"requests": {"memory": "1000Pi"}}}, "memory"),
    "amount that would be rounded": ({"resources": {"requests": {"cpu": "0.5m"}}}, "cpu"),
    "integer too large": ({"resources": {"requests": {"memory": 10**18}}}, "memory"),
    "negative surge": ({"rollout": {"maxSurge": -1}}, "maxSurge"),
    "folder outside": (monitoring(dashboard={"folder": "/etc/grafana"}), "folder"),
    "folder above": (monitoring(dashboard={"folder": ".."}), "folder"),
    "counter with a word of PromQL": (monitoring(signals={"errors": {"counter": "NaN"}}), "PromQL"),
    "histogram with a word of PromQL": (monitoring(signals={"latency": {"histogram": "on"}}), "PromQL"),
    "alert label of Prometheus' own": (monitoring(alerts={"labels": {"__name__": "x"}}), "labels"),
    "shared memory twice": (
        {"storage": {"sharedMemory": "1Gi", "volumes": [{**DATA, "mountPath": "/dev/shm", "emptyDir": {}}]}},
        "sharedMemory",
    ),
    "mount path with a slash at its end": (volumes({**DATA, "mountPath": "/data/", "emptyDir": {}}), "mountPath"),
    "variable without a name": ({"env": [{"name": "", "value": "a"}]}, "env"),
    "reserved alert label": (monitoring(alerts={"labels": {"severity": "critical"}}), "labels"),
    "alert label that is none": (monitoring(alerts={"labels": {"a.b": "c"}}), "labels"),
    "ratio above 1": (monitoring(alerts={"rules": {"ModelErrorRatioHigh": {"threshold": 1.5}}}), "threshold"),
    "vllm without a model": ({"runtime": "vllm"}, "model.uri"),
    "vllm from a bucket": ({"runtime": "vllm", "model": {"uri": "s3://a/b"}}, "hf://"),
    "triton from a hub": ({"runtime": "triton", "model": {"uri": "hf://a/b"}}, "s3://"),
    "uri without a scheme": ({"model": {"uri": "/models/a"}}, "uri"),
    "version that is no label": ({"model": {"version": "1 2"}}, "version"),
    "line break in a name": ({"model": {"name": "a\nb"}}, "name"),
    "image with a space": ({"image": "a b"}, "image"),
    "root": ({"security": {"runAsUser": 0}}, "runAsUser"),
    "two variables of a name": ({"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}, "A"),
    "service account": ({"serviceAccountName": "admin"}, "serviceAccountName"),
    "port 0": ({"port": 0}, "port"),
}


def admitted(bed: Bed, body: dict[str, Any]) -> tuple[bool, str]:
    kind = PROFILE if body["kind"] == PROFILE.name else MODEL
    path = f"{kind.path(body['metadata']['namespace'])}?dryRun=All&fieldValidation=Strict"
    status, answer = bed.plane.request("POST", path, body)
    assert status in (201, 400, 422), answer
    return status == 201, "" if status == 201 else str(answer["message"])


@pytest.mark.parametrize("spec", GOOD.values(), ids=GOOD)
def test_good_spec_is_admitted_and_parsed(bed: Bed, spec: dict[str, Any]) -> None:
    body = model("churn", "default", **spec)
    assert admitted(bed, body) == (True, "")
    assert not isinstance(parsed := parse(body), InvalidSpec), parsed


@pytest.mark.parametrize(("spec", "named"), BAD.values(), ids=BAD)
def test_bad_spec_is_refused_by_both_with_the_field_named(bed: Bed, spec: dict[str, Any], named: str) -> None:
    body = model("churn", "default", **spec)
    good, message = admitted(bed, body)
    assert not good
    assert named in message
    parsed = parse(body)
    assert isinstance(parsed, InvalidSpec)
    assert named in str(parsed)


@pytest.mark.parametrize("name", ["a" * 52, "a-1", "churn"])
def test_good_name_is_admitted(bed: Bed, name: str) -> None:
    body = model(name, "default")
    assert admitted(bed, body) == (True, "")
    assert not isinstance(parse(body), InvalidSpec)


@pytest.mark.parametrize("name", ["a" * 53, "1a", "a.b"])
def test_bad_name_is_refused(bed: Bed, name: str) -> None:
    good, message = admitted(bed, model(name, "default"))
    assert not good
    assert "at most 52 characters" in message
    assert isinstance(parse(model(name, "default")), InvalidSpec)


def test_image_is_required_for_the_custom_runtime(bed: Bed) -> None:
    body = {**model("churn", "default"), "spec": {}}
    good, message = admitted(bed, body)
    assert not good
    assert "set image" in message
    assert "set image" in str(parse(body))


SLACK: dict[str, Any] = {
    "name": "team",
    "slack": {"channel": "#risk-ml", "webhookURL": {"name": "slack", "key": "url"}},
}
EMAIL = {"to": "a@example.com", "from": "b@example.com", "smarthost": "smtp.example.com:587"}


def telling(told: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"notifications": [{**told, **changes}]}


def mailing(**changes: Any) -> dict[str, Any]:
    return telling({"name": "mail", "email": {**EMAIL, **changes}})


SLO = {"name": "up", "objective": 99.9, "indicator": {"availability": {}}}

GOOD_PROFILES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "an objective": {"slos": [SLO]},
    "part of what belongs together": {"scrape": {"timeout": "5s"}, "drift": {"warning": 0.2}},
    "names of signals": {"signals": {"errors": {"counter": "errors_total", "matchers": {"code": "5.."}}}},
    "limits": {"quality": {"accuracy": {"min": 0.9}}, "freshness": {"maxAge": "30d"}},
    "labels": {"alerts": {"labels": {"team": "risk"}, "rules": {"ModelTargetDown": {"enabled": False}}}},
    "nobody to tell": {"notifications": []},
    "every way to tell": {
        "notifications": [
            SLACK,
            {"name": "oncall", "severities": ["critical"], "pagerDuty": {"routingKey": {"name": "a.b", "key": "c_d"}}},
            {"name": "hook", "webhook": {"url": {"name": "hook", "key": "url"}}, "sendResolved": False},
            {"name": "mail", "email": {**EMAIL, "authUsername": "a", "authPassword": {"name": "s", "key": "k"}}},
        ]
    },
    "channel in another script": telling(SLACK, slack={**SLACK["slack"], "channel": "#リスク"}),
    "several mailboxes": mailing(to="a+b@example.com, c@example.com"),
    "told in time": telling(SLACK, groupWait="500ms", groupInterval="90s", repeatInterval="2m"),
    "mute times": telling(
        SLACK,
        muteTimeIntervals=[
            {"days": ["saturday"]},
            {"times": [{"start": "22:00", "end": "06:00"}, {"start": "12:00", "end": "24:00"}]},
        ],
    ),
}

BAD_PROFILES: dict[str, tuple[dict[str, Any], str]] = {
    "typo": ({"scrap": {}}, "scrap"),
    "typo inside": ({"alerts": {"rules": {"ModelTagetDown": {}}}}, "ModelTagetDown"),
    "profile of a profile": ({"profile": "gold"}, "profile"),
    "field of a model": ({"image": "a:1"}, "image"),
    "objective without an indicator": ({"slos": [{"name": "up", "objective": 99}]}, "indicator"),
    "objective with an empty indicator": ({"slos": [{**SLO, "indicator": {}}]}, "exactly one"),
    "objective with two indicators": (
        {"slos": [{**SLO, "indicator": {"availability": {}, "latency": {"threshold": "1s"}}}]},
        "exactly one",
    ),
    "objective of 100 percent": ({"slos": [{**SLO, "objective": 100}]}, "objective"),
    "objective too low to page": ({"slos": [{**SLO, "objective": 80}]}, "objective"),
    "two objectives of a name": ({"slos": [SLO, SLO]}, "up"),
    "slow scrape": ({"scrape": {"interval": "3m"}}, "interval"),
    "timeout above its interval": ({"scrape": {"interval": "20s", "timeout": "30s"}}, "timeout"),
    "limits upside down": ({"drift": {"warning": 0.5, "critical": 0.2}}, "critical"),
    "reserved alert label": ({"alerts": {"labels": {"severity": "critical"}}}, "labels"),
    "label of an AlertmanagerConfig": ({"alerts": {"labels": {"notified_by": "other"}}}, "labels"),
    "nobody told": (telling({"name": "x"}), "exactly one"),
    "told twice at once": (telling(SLACK, webhook={"url": {"name": "s", "key": "k"}}), "exactly one"),
    "two receivers of a name": ({"notifications": [SLACK, SLACK]}, "team"),
    "too many receivers": (
        {"notifications": [{**SLACK, "name": f"n{number}"} for number in range(9)]},
        "notifications",
    ),
    "severity that is none": (telling(SLACK, severities=["page"]), "severities"),
    "no severity": (telling(SLACK, severities=[]), "severities"),
    "address in the open": (telling({"name": "x", "webhook": {"url": "https://example.com"}}), "url"),
    "Secret of another namespace": (
        telling({"name": "x", "webhook": {"url": {"name": "s", "key": "k", "namespace": "other"}}}),
        "namespace",
    ),
    "template in a channel": (telling(SLACK, slack={**SLACK["slack"], "channel": "#{{ .Status }}"}), "channel"),
    "template in a mailbox": (mailing(to="{{ .Status }}@example.com"), "to"),
    "template in a sender": (mailing(**{"from": "a@{{x}}.example.com"}), "from"),
    "template in a login": (mailing(authUsername="{{x}}", authPassword={"name": "s", "key": "k"}), "authUsername"),
    "line break in a mailbox": (mailing(to="a@example.com\r\nBcc: c@example.com"), "to"),
    "server without a port": (mailing(smarthost="smtp.example.com"), "smarthost"),
    "name without a password": (mailing(authUsername="alerts"), "authPassword"),
    "password without a name": (mailing(authPassword={"name": "s", "key": "k"}), "authPassword"),
    "repeated before it is told": (telling(SLACK, repeatInterval="1m"), "repeatInterval"),
    "mute time without end": (telling(SLACK, muteTimeIntervals=[{}]), "days"),
    "mute time without a length": (
        telling(SLACK, muteTimeIntervals=[{"times": [{"start": "06:00", "end": "06:00"}]}]),
        "end",
    ),
    "hour that is none": (telling(SLACK, muteTimeIntervals=[{"times": [{"start": "24:00", "end": "06:00"}]}]), "start"),
    "day that is none": (telling(SLACK, muteTimeIntervals=[{"days": ["weekend"]}]), "days"),
    "reserved matcher": ({"signals": {"errors": {"counter": "e", "matchers": {"namespace": "x"}}}}, "matchers"),
}


@pytest.mark.parametrize("spec", GOOD_PROFILES.values(), ids=GOOD_PROFILES)
def test_good_profile_is_admitted_and_parsed(bed: Bed, spec: dict[str, Any]) -> None:
    assert admitted(bed, profile("gold", "default", **spec)) == (True, "")
    assert profile_problems(spec) is None


@pytest.mark.parametrize(("spec", "named"), BAD_PROFILES.values(), ids=BAD_PROFILES)
def test_bad_profile_is_refused_by_both_with_the_field_named(bed: Bed, spec: dict[str, Any], named: str) -> None:
    good, message = admitted(bed, profile("gold", "default", **spec))
    assert not good
    assert named in message
    assert named in str(profile_problems(spec))


def test_profile_without_a_spec_is_refused(bed: Bed) -> None:
    body = profile("gold", "default")
    del body["spec"]
    assert "spec" in admitted(bed, body)[1]
