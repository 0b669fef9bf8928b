"""Bodies of requests: JSON that a YAML parser reads as the same, since an apply is read as YAML."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from monitored_models.kube import client
from monitored_models.render.children import render
from monitored_models.settings import Settings
from unit.specs import FULL, NASTY, RUNTIMES, model

encode = vars(client)["_encode"]
text = st.lists(
    st.sampled_from([*NASTY, ": ", "# ", "- ", "&a", "*a", "%", "!!str", "\n---\n", "\t", "\\u0041"])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    max_size=5,
).map("".join)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(text.filter(lambda key: len(key) < 100), inner, max_size=4)
    ),
    max_leaves=8,
)


def assert_read_as(body: Any) -> bytes:
    """The body, which JSON and YAML parsers read as the same."""
    made: bytes = encode(body)
    assert json.loads(made) == body
    assert yaml.safe_load(made.decode("utf-8")) == body
    return made


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(text.filter(lambda key: len(key) < 100), json_values, max_size=5))
def test_body_is_yaml_and_json_of_the_same(body: dict[str, Any]) -> None:
    assert_read_as(body)


@pytest.mark.parametrize("spec", [*RUNTIMES.values(), FULL], ids=[*RUNTIMES, "full"])
def test_every_child_is_yaml_and_json_of_the_same(spec: dict[str, Any]) -> None:
    for child in render(model(spec, model__name="".join(NASTY)), Settings(), 1):
        assert_read_as(child)


@pytest.mark.parametrize("given_text", ["😀", "a😀b", "\U00010000", "\U0010ffff", "🇩🇪", "👩‍🚀"])
def test_characters_beyond_the_first_plane_are_no_pairs_of_surrogates(given_text: str) -> None:
    """YAML has no pairs: each half would become a character of its own, which no UTF-8 has."""
    made = assert_read_as({"a": given_text, given_text: 1})
    assert b"\\u" not in made
    assert given_text.encode() in made


ESCAPED = [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), "\u2028", "\u2029", "\ufeff", "\ufffe", "\uffff"]


@pytest.mark.parametrize("character", ESCAPED, ids=lambda character: f"U+{ord(character):04X}")
def test_character_that_yaml_does_not_take_is_escaped(character: str) -> None:
    made = assert_read_as({"a": f"x{character}y", f"k{character}": character})
    assert character not in made.decode()


@pytest.mark.parametrize("character", ["\xa0", "é", "\u2027", "\u202a", "\ue000", "\ufffd", "\ufefe", "~"])
def test_other_character_stands_as_it_is(character: str) -> None:
    assert encode({"a": character}).decode() == f'{{"a":"{character}"}}'


@pytest.mark.parametrize(
    ("environment", "trusted"), [({}, False), ({"HTTPS_PROXY": "http://proxy.example.com:3128"}, True)]
)
def test_environment_is_looked_into_for_a_proxy_only(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], trusted: bool
) -> None:
    """Otherwise a line for the host in ~/.netrc would be sent, or stand against our own token."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ftp_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert client.trust_environment() is trusted
