"""Each validation rule is CEL in the CRD and Python in the parser. Both must decide alike.

The API server is the judge (`tests/e2e/test_admission.py`, `tests/spec_mutations`); here the same question takes
milliseconds, so that it can be asked for every case of every rule.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from monitored_models.api import InvalidSpec, parse
from monitored_models.api.validation import TIMEOUT_MESSAGE, all_rules
from monitored_models.codegen.crd import openapi_schema
from unit import cel
from unit.api.test_parser import RULE_CASES
from unit.specs import JSON, body, specs, with_

MESSAGES = {rule.message for rule in all_rules()}
SCHEMA = openapi_schema()["properties"]["spec"]


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
