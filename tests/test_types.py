"""The nouns are written to plain JSON and read back equal; what is none of theirs is refused by one clear error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmrag.errors import BadInput
from mmrag.types import TRACE_VERSION, Document, Query, Question, Timing, Trace, Value

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=8), inside, max_size=3),
    max_leaves=8,
)
st.register_type_strategy(float, st.floats(allow_nan=False))
TRACES = st.builds(Trace, version=st.just(TRACE_VERSION))
lazily = settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)


@lazily
@given(TRACES | st.from_type(Question))
def test_any_value_is_read_back_equal_from_its_json(value: Value) -> None:
    assert type(value).from_dict(json.loads(json.dumps(value.to_dict()))) == value


def places(data: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in plain JSON, as the keys that lead there."""
    keys = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    return [(*way, key) for key in keys] + [place for key in keys for place in places(data[key], (*way, key))]


@lazily
@given(TRACES, JSON, st.data())
def test_anything_in_a_place_of_its_own_is_read_or_refused(trace: Trace, strange: Any, data: st.DataObject) -> None:
    plain = json.loads(json.dumps(trace.to_dict()))
    *way, last = data.draw(st.sampled_from(places(plain)))
    inside = plain
    for key in way:
        inside = inside[key]
    inside[last] = strange
    try:
        read = Trace.from_dict(plain)
    except BadInput:
        return
    assert read.to_dict().keys() == trace.to_dict().keys()


@given(JSON)
def test_anything_at_all_is_read_or_refused(strange: Any) -> None:
    with pytest.raises(BadInput):
        Trace.from_dict(strange)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"colour": "red"}, "Document has no field 'colour'"),
        ({"title": None}, "Document.title is NoneType; it must be str"),
        ({"title": 7}, "Document.title is int; it must be str"),
        ({"modality": "film"}, "Document.modality is 'film'; it may be image, passage, table"),
        ({"table": [1]}, "Table is read from an object, not list"),
    ],
)
def test_a_wrong_field_is_named_with_what_it_may_be(change: dict[str, Any], says: str) -> None:
    good = {"id": "a", "modality": "image", "title": "t"}
    assert Document.from_dict(good).to_dict() == Document.from_dict(Document.from_dict(good).to_dict()).to_dict()
    with pytest.raises(BadInput, match=says):
        Document.from_dict({**good, **change})


def test_a_number_too_large_for_a_float_is_refused() -> None:
    with pytest.raises(BadInput, match=r"Timing\.seconds"):
        Timing.from_dict({"stage": "judge", "seconds": 10**400})


def test_a_trace_of_another_version_is_named_as_such_whatever_fields_it_has() -> None:
    trace = Trace("a", Query("Why?"), "rft", "2026-11-29T00:00:00Z").to_dict()
    with pytest.raises(BadInput, match="of version '2'; this program reads version 1: open it with"):
        Trace.from_dict({**trace, "version": 2, "rounds": []})
