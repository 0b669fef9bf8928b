"""Pages of a list: decoded item by item, and as large as their items allow."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitored_models.kube.list_pages import FIRST_PAGE, LARGEST_PAGE, PAGE_BYTES, ListPage, next_limit
from unit.specs import JSON

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.just('"items":[{}]'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(st.text(max_size=8), values, max_size=4)


def read(text: str) -> tuple[list[Any], dict[str, Any]]:
    page, items = ListPage(text), []
    while (item := page.next()) is not None:
        items.append(item)
    return items, page.metadata()


@settings(max_examples=100, deadline=None)
@given(items=st.lists(objects, max_size=4), first=st.booleans())
def test_page_holds_what_json_says(items: list[JSON], first: bool) -> None:
    """Custom resources come with their keys sorted, Kubernetes' own kinds with the metadata first."""
    metadata = {"resourceVersion": "7", "continue": "eyJ2Ijoi"}
    body = (
        {"metadata": metadata, "items": items} if first else {"apiVersion": "v1", "items": items, "metadata": metadata}
    )
    assert read(json.dumps(body, separators=(",", ":"))) == (items, metadata)


@pytest.mark.parametrize("items", ["[]", "null"])
def test_empty_list_has_no_items(items: str) -> None:
    assert read(f'{{"kind":"List","metadata":{{"resourceVersion":"1"}},"items":{items}}}') == (
        [],
        {"resourceVersion": "1"},
    )


@pytest.mark.parametrize("weight", [200, 35_000, 1_400_000])
def test_page_comes_to_weigh_what_it_should(weight: int) -> None:
    limit = FIRST_PAGE
    for _ in range(3):
        limit = next_limit(limit, limit * weight)
    assert 1 <= limit <= LARGEST_PAGE
    assert limit == LARGEST_PAGE or PAGE_BYTES - weight < limit * weight <= PAGE_BYTES


def test_page_after_an_empty_one_is_a_first_page() -> None:
    assert next_limit(0, 100) == FIRST_PAGE


def test_object_above_the_weight_of_a_page_comes_alone() -> None:
    assert next_limit(1, 3 * PAGE_BYTES) == 1


@pytest.mark.parametrize("text", ['{"items":[ {"a":1}],"metadata":{}}', '{"items": [{"a":1}],"metadata":{}}'])
def test_list_that_is_not_compact_is_refused_and_not_taken_for_an_empty_one(text: str) -> None:
    with pytest.raises(ValueError, match="were not read"):
        read(text)
