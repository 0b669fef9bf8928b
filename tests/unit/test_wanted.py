"""What is remembered of a rendering: it is made anew when anything that it is made of changes, and only then."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from monitored_models.api.live_scale import LiveScale
from monitored_models.cache.models import ModelSource
from monitored_models.cache.profiles import ProfileSource
from monitored_models.naming.keys import Key
from monitored_models.naming.kinds import CONFIG_MAP, PROMETHEUS_RULE
from monitored_models.plan.desired_state import DesiredState, Renderer
from monitored_models.settings import Settings
from unit.specs import JSON, MINIMAL


def source(**spec: object) -> ModelSource:
    return ModelSource(Key("risk", "churn"), "uid-1", 3, json.dumps({**MINIMAL, **spec}).encode(), "default")


def shared(spec: JSON, name: str = "default") -> ProfileSource:
    return ProfileSource(name, json.dumps(spec).encode())


NO_DASHBOARD = {"dashboard": {"enabled": False}}
SCALE = LiveScale(2, owned_by_others=False)
OTHERS: list[tuple[str, tuple[ModelSource, ProfileSource | None, LiveScale | None]]] = [
    ("spec", (source(port=9000), shared({}), SCALE)),
    ("profile", (source(), shared(NO_DASHBOARD), SCALE)),
    ("name of the profile", (source(), shared({}, "gold"), SCALE)),
    ("no profile", (source(), None, SCALE)),
    ("scale", (source(), shared({}), LiveScale(3, owned_by_others=True))),
]


def test_same_input_is_rendered_once() -> None:
    renderer = Renderer(Settings())
    first = renderer.desired_state(source(), shared({}), SCALE)
    assert renderer.desired_state(source(), shared({}), SCALE) is first
    objects = renderer.objects(source(), shared({}), SCALE)
    assert objects.keys() == {(child.kind, child.name) for child in first.children}
    assert all(renderer.objects(source(), shared({}), SCALE)[key] is child for key, child in objects.items())


@pytest.mark.parametrize("other", [row[1] for row in OTHERS], ids=[row[0] for row in OTHERS])
def test_any_other_input_is_rendered_anew(other: tuple[ModelSource, ProfileSource | None, LiveScale | None]) -> None:
    renderer = Renderer(Settings())
    first, objects = renderer.desired_state(source(), shared({}), SCALE), renderer.objects(source(), shared({}), SCALE)
    assert renderer.desired_state(*other) is not first
    assert all(renderer.objects(*other).get(key) is not child for key, child in objects.items())


def made(shared: ProfileSource | None, settings: Settings | None = None, **spec: object) -> DesiredState:
    return Renderer(settings or Settings()).desired_state(source(**spec), shared, None)


def test_profile_decides_what_the_model_leaves_open() -> None:
    assert CONFIG_MAP not in {child.kind for child in made(shared(NO_DASHBOARD)).children}
    own = {"dashboard": {"enabled": True}}
    assert CONFIG_MAP in {child.kind for child in made(shared(NO_DASHBOARD), monitoring=own).children}
    assert made(shared(NO_DASHBOARD)).profile == "default"


def test_settings_decide_what_both_leave_open() -> None:
    assert CONFIG_MAP not in {child.kind for child in made(None, Settings(monitoring=NO_DASHBOARD)).children}


def test_runtime_of_the_settings_is_rendered() -> None:
    own = replace(Settings().platform.runtimes["custom"], id="x-own", port=7777)
    found = made(None, Settings(runtimes=(own,)), runtime="x-own")
    assert (found.model.profile, found.model.port) == (own, 7777)
    parsed = Renderer(Settings()).parse(source(runtime="x-own"), None)
    assert "have no runtime x-own" in str(parsed)


def test_what_cannot_be_had_is_noted_and_the_rest_is_made() -> None:
    found = made(shared({"scrape": {"interval": 5}}))
    assert [note.reason for note in found.notes] == ["ProfileInvalid"]
    assert found.profile is None
    without = made(None)
    assert found.children == without.children
    assert PROMETHEUS_RULE in {child.kind for child in found.children}
