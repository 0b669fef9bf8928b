"""The cache of renderings: an input is rendered again if any part of it changes, and only then."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from monitored_models.api import parse
from monitored_models.api.live_scale import LiveScale
from monitored_models.cache.models import ModelSource
from monitored_models.cache.profiles import ProfileSource
from monitored_models.naming.keys import Key
from monitored_models.naming.kinds import CONFIG_MAP, PROMETHEUS_RULE, SERVICE_MONITOR
from monitored_models.plan.desired_state import DesiredState
from monitored_models.plan.render_cache import RenderCache, RenderInput
from monitored_models.settings import FoundLabels, Settings
from unit.specs import JSON, MINIMAL


def source(**spec: object) -> ModelSource:
    return ModelSource(Key("risk", "churn"), "uid-1", 3, json.dumps({**MINIMAL, **spec}).encode(), "default")


def shared(spec: JSON, name: str = "default") -> ProfileSource:
    return ProfileSource(name, json.dumps(spec).encode())


NO_DASHBOARD = {"dashboard": {"enabled": False}}
SCALE = LiveScale(2, owned_by_others=False)
INPUT = RenderInput(source(), shared({}), SCALE)
OTHERS = {
    "spec": replace(INPUT, source=source(port=9000)),
    "restart": replace(INPUT, source=replace(INPUT.source, restarted_at="2026-11-20T08:30:00Z")),
    "profile": replace(INPUT, monitoring_profile=shared(NO_DASHBOARD)),
    "name of the profile": replace(INPUT, monitoring_profile=shared({}, "gold")),
    "no profile": replace(INPUT, monitoring_profile=None),
    "labels": replace(INPUT, labels=FoundLabels(service_monitor_labels=(("release", "kps"),))),
    "scale": replace(INPUT, scale=LiveScale(3, owned_by_others=True)),
}


def test_same_input_is_rendered_once() -> None:
    renders, again = RenderCache(Settings()), RenderInput(source(), shared({}), SCALE)
    first = renders.desired_state(INPUT)
    assert isinstance(first, DesiredState)
    assert renders.desired_state(again) is first
    assert renders.objects(again) is renders.objects(INPUT)
    assert renders.objects(INPUT).keys() == {(child.kind, child.name) for child in first.children}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_any_other_input_is_rendered_again(other: RenderInput) -> None:
    renders = RenderCache(Settings())
    first, objects = renders.desired_state(INPUT), renders.objects(INPUT)
    assert renders.desired_state(other) is not first
    assert all(renders.objects(other).get(key) is not child for key, child in objects.items())


def test_found_labels_change_the_children_that_they_are_for_and_no_others() -> None:
    renders = RenderCache(Settings())
    before, after = renders.desired_state(INPUT), renders.desired_state(OTHERS["labels"])
    assert isinstance(before, DesiredState)
    assert isinstance(after, DesiredState)
    changed = {child.kind for child in {*after.children} - {*before.children}}
    assert changed == {SERVICE_MONITOR}
    monitor = renders.objects(OTHERS["labels"])[SERVICE_MONITOR, "churn"]
    assert monitor["metadata"]["labels"]["release"] == "kps"


def test_generation_is_parsed_once_whatever_else_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[object] = []

    def counting(*arguments: Any) -> Any:
        parsed.append(arguments)
        return parse(*arguments)

    monkeypatch.setattr("monitored_models.plan.render_cache.parse", counting)
    renders = RenderCache(Settings())
    for scale in (None, SCALE, LiveScale(3, owned_by_others=True)):
        inputs = RenderInput(source(), shared({}), scale)
        renders.desired_state(inputs)
        renders.objects(inputs)
    assert len(parsed) == 1


def made(shared: ProfileSource | None, settings: Settings | None = None, **spec: object) -> DesiredState:
    found = RenderCache(settings or Settings()).desired_state(RenderInput(source(**spec), shared))
    assert isinstance(found, DesiredState)
    return found


def test_profile_decides_what_the_model_leaves_open() -> None:
    assert CONFIG_MAP not in {child.kind for child in made(shared(NO_DASHBOARD)).children}
    own = {"dashboard": {"enabled": True}}
    assert CONFIG_MAP in {child.kind for child in made(shared(NO_DASHBOARD), monitoring=own).children}
    assert made(shared(NO_DASHBOARD)).model.monitoring_profile == "default"


def test_settings_decide_what_both_leave_open() -> None:
    assert CONFIG_MAP not in {child.kind for child in made(None, Settings(monitoring=NO_DASHBOARD)).children}


def test_runtime_of_the_settings_is_rendered() -> None:
    own = replace(Settings().platform.runtimes["custom"], id="x-own", port=7777)
    found = made(None, Settings(runtimes=(own,)), runtime="x-own")
    assert (found.model.runtime, found.model.port) == (own, 7777)
    parsed = RenderCache(Settings()).desired_state(RenderInput(source(runtime="x-own")))
    assert "have no runtime x-own" in str(parsed)


def test_what_cannot_be_had_is_noted_and_the_rest_is_made() -> None:
    found = made(shared({"scrape": {"interval": 5}}))
    assert [note.reason for note in found.notes] == ["ProfileInvalid"]
    assert found.model.monitoring_profile is None
    without = made(None)
    assert found.children == without.children
    assert PROMETHEUS_RULE in {child.kind for child in found.children}
