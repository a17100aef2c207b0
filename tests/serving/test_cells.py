"""A cell of a CSV request means what it means in a file."""

from __future__ import annotations

import pytest

from trainyard.serving.formats import row_of_texts


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("TRUE", True), ("true", True), ("Yes", True), ("f", False), ("No", False)),
        *(("1", 1), ("1.0", 1.0), (" 7 ", 7), ("007", 7.0), ("+.5", 0.5), ("-3", -3)),
        *(("[1, 2]", [1, 2]), ("maybe", "maybe")),
    ],
)
def test_a_cell_means_what_it_means_in_a_file(text, value):
    found = row_of_texts({"x": text}, frozenset())["x"]
    assert found == value
    assert isinstance(found, type(value))


@pytest.mark.parametrize("text", ["", "NA", "NaN", "null", r"\N", " "])
def test_a_missing_value_is_left_out(text):
    assert row_of_texts({"x": text, "y": "1"}, frozenset()) == {"y": 1}


def test_text_stays_as_it_is():
    assert row_of_texts({"title": "NA", "empty": ""}, frozenset({"title", "empty"})) == {"title": "NA"}
