"""Whole numbers and keys in requests, however they are written."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import Field

from trainyard.contract.request_rows import WHOLE, Key, Row, checked, text_fields
from trainyard.errors import BadRow


class Asked(Row):
    """Somebody."""

    uid: Annotated[int, Field(ge=-(2**63), lt=2**63), WHOLE]


class Chosen(Row):
    """Something."""

    key: Key


@pytest.mark.parametrize(
    ("value", "number"), [(1, 1), (1.0, 1), (-0.0, 0), (2.0**53, 2**53), (-(2**63), -(2**63)), (2**63 - 1, 2**63 - 1)]
)
def test_a_whole_number_may_be_written_as_a_float(value, number):
    found = checked(Asked, [{"uid": value}])[0].uid
    assert (found, type(found)) == (number, int)


@pytest.mark.parametrize(
    "value", [1.5, 2.0**54, 2.0**63, 1e300, float("nan"), float("inf"), "1.0", "1", True, None, [1.0], 2**63]
)
def test_what_is_no_whole_number_or_may_be_another_is_refused(value):
    with pytest.raises(BadRow, match=r"Row 0: expected .* in uid, found"):
        checked(Asked, [{"uid": value}])


def test_the_description_names_the_bounds():
    assert Asked.model_json_schema()["properties"]["uid"] == {
        "type": "integer",
        "title": "Uid",
        "minimum": -(2**63),
        "exclusiveMaximum": 2**63,
    }


@pytest.mark.parametrize(
    ("value", "key"),
    [(7, "7"), (7.0, "7"), ("7.0", "7"), ("007", "007"), (" A7 ", "A7"), (2**64 + 1, str(2**64 + 1)), (1.5, "1.5")],
)
def test_a_key_is_one_text_however_it_is_written(value, key):
    assert checked(Chosen, [{"key": value}])[0].key == key


@pytest.mark.parametrize("value", ["", "  ", True, None, [7], {"id": 7}, "x" * 501])
def test_what_is_no_key_is_refused(value):
    with pytest.raises(BadRow, match=r"Row 0: expected .* in key, found"):
        checked(Chosen, [{"key": value}])


def test_a_cell_of_a_table_is_taken_for_a_key_as_it_is():
    assert text_fields(Chosen) == {"key"}
    assert Chosen.model_json_schema()["properties"]["key"]["type"] == ["string", "integer"]
