"""Whole numbers in requests, however they are written."""

from __future__ import annotations

import pytest

from trainyard.contract.request_rows import Identifier, Row, checked
from trainyard.errors import BadRow


class Asked(Row):
    """Somebody."""

    uid: Identifier


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
