"""Each validation rule is CEL in the CRD and Python in the parser. Both must decide alike.

The API server is the judge (`tests/e2e/test_admission.py`, `tests/spec_mutations`); here the same question takes
milliseconds, so that it can be asked for every case of every rule.
"""

from __future__ import annotations

import json

import pydantic
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from monitored_models.api import InvalidSpec, parse, parse_profile
from monitored_models.api.validation import NAME_CEL, TIMEOUT_MESSAGE, ValidationRule, all_rules, name_holds
from monitored_models.codegen.crd import openapi_schema, profile_schema, structural
from unit import cel, rule_values
from unit.api.test_parser import RULE_CASES
from unit.specs import JSON, body, specs, with_

MESSAGES = {rule.message for rule in all_rules()}
SCHEMA, PROFILE_SCHEMA = (schema["properties"]["spec"] for schema in (openapi_schema(), profile_schema()))
IN_PROFILES = [key for key in RULE_CASES if key[1] in json.dumps(PROFILE_SCHEMA)]


def by_cel(spec: JSON) -> set[str]:
    """Messages of the rules that the API server would find broken."""
    return set(cel.broken(SCHEMA, cel.with_defaults(SCHEMA, spec)))


def by_python(spec: JSON) -> set[str]:
    """Messages of the rules that the parser finds broken; fails for a spec that is wrong in another way."""
    parsed = parse(body(spec))
    found = {problem.message for problem in parsed.problems} if isinstance(parsed, InvalidSpec) else set()
    assert found <= MESSAGES, found - MESSAGES
    return found


@pytest.mark.parametrize("key", RULE_CASES, ids=" ".join)
def test_both_forms_of_a_rule_decide_alike(key: tuple[str, str]) -> None:
    base, breaking, keeping = RULE_CASES[key]
    for change in (*breaking, *keeping):
        spec = with_(base, change)
        assert by_cel(spec) == by_python(spec), change


@pytest.mark.parametrize("key", IN_PROFILES, ids=" ".join)
def test_both_forms_of_a_rule_decide_alike_in_a_profile(key: tuple[str, str]) -> None:
    base, breaking, keeping = RULE_CASES[key]
    for change in (*breaking, *keeping):
        monitoring = with_(base, change).get("monitoring", {})
        spec = {field: value for field, value in monitoring.items() if field in PROFILE_SCHEMA["properties"]}
        parsed = parse_profile(spec)
        found = {problem.message for problem in parsed.problems} if isinstance(parsed, InvalidSpec) else set()
        assert set(cel.broken(PROFILE_SCHEMA, cel.with_defaults(PROFILE_SCHEMA, spec))) == found, change
        assert bool(found) == (change in breaking), change


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: f"{rule.on.__name__} {rule.message[:40]}")
def test_both_forms_of_a_rule_decide_alike_for_any_value(rule: ValidationRule) -> None:
    schema, adapter, decisions = structural(rule.on), pydantic.TypeAdapter(rule.on), set()

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(rule_values.values(rule))
    def decide(value: JSON) -> None:
        by_rule = rule.holds(adapter.validate_json(json.dumps(value)))
        assert cel.holds(rule.cel, cel.with_defaults(schema, value)) == by_rule
        decisions.add(by_rule)

    decide()
    assert decisions == {True, False}


@given(st.text("aZ0-.é\n", max_size=54) | st.text("az09-", min_size=50, max_size=54))
@example("a" * 52)
@example("a" * 53)
@example("a\n")
def test_both_forms_of_the_rule_on_names_decide_alike(name: str) -> None:
    assert cel.holds(NAME_CEL, {"metadata": {"name": name}}) == name_holds(name)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(specs())
def test_both_forms_decide_alike_for_any_spec(spec: JSON) -> None:
    parsed = parse(body(spec))
    found = {problem.message for problem in parsed.problems} if isinstance(parsed, InvalidSpec) else set()
    if found <= MESSAGES:  # else it is wrong by the schema, which both read from the same types
        # The parser also compares a timeout with the interval that a model has without one.
        assert by_cel(spec) | {TIMEOUT_MESSAGE} == found | {TIMEOUT_MESSAGE}


def test_rule_that_cannot_be_evaluated_does_not_hold() -> None:
    assert not cel.holds("''.matches(self)", "(")
    assert cel.holds("''.matches(self) in [true, false]", "a")


def test_change_of_one_form_is_noticed() -> None:
    """What the test above would do if the CEL of a rule said something else."""
    rule = next(rule for rule in all_rules() if rule.field == "minReplicas")
    values = [{"minReplicas": low, "maxReplicas": 2} for low in (1, 2, 3)]
    assert [cel.holds(rule.cel, value) for value in values] == [True, True, False]
    assert [cel.holds(rule.cel.replace("<=", "<"), value) for value in values] == [True, False, False]
