"""Content types and `Accept`: what a caller says in a header, and which format comes of it."""

from __future__ import annotations

import pytest

from trainyard.errors import Refused
from trainyard.serving.negotiation import accepted, content_type
from trainyard.serving.wire import JSON, LINES, TABLE


@pytest.mark.parametrize(
    ("header", "given", "media"),
    [
        ("", TABLE, TABLE),
        ("  ", JSON, JSON),
        ("*/*", LINES, LINES),
        ("text/csv;q=0.5,application/json", TABLE, JSON),
        ("text/csv ; q=0.5 , application/json\t;\tq=0.4", JSON, TABLE),
        ("TEXT/CSV; Q=1.0", JSON, TABLE),
        ("application/*", LINES, LINES),
        ("application/*", TABLE, JSON),
        ("text/*;q=0.1, application/*;q=0.01", JSON, TABLE),
        ("*/*;q=0.1, text/csv", JSON, TABLE),
        ("application/json;q=0, */*", JSON, LINES),
        ("application/*;q=0, */*;q=0.2", JSON, TABLE),
        ("application/x-ndjson", JSON, LINES),
        ("application/json;charset=utf-8", TABLE, JSON),
        ("text/csv;header=present;q=0.3, text/html", JSON, TABLE),
        ("application/jsonlines, text/csv", JSON, LINES),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", TABLE, TABLE),
        ("application/json;q=x, text/csv;q=0.001", JSON, TABLE),
        (",,text/csv,", JSON, TABLE),
    ],
)
def test_the_heaviest_range_decides_and_the_closest_one_counts(header, given, media):
    assert accepted(header, given) == media


@pytest.mark.parametrize(
    "header",
    [
        "text/html",
        "*/*;q=0",
        "*/*; q = 0.000",
        "application/json;q=0, application/jsonlines;q=0, text/csv;q=0, */*;q=0",
        "application/json;q=nan",
        "application/json;q=.",
        "application/json;q=-1",
        "text/html;q=0.9, text/*;q=0",
        ";q=1",
    ],
)
def test_what_cannot_be_given_is_refused_with_what_can(header):
    with pytest.raises(
        Refused, match=r"Expected Accept application/json, application/jsonlines, text/csv or \*/\*"
    ) as e:
        accepted(header, JSON)
    assert e.value.status == 406


@pytest.mark.parametrize(
    ("header", "media"),
    [
        ("", JSON),
        ("Application/JSON", JSON),
        ('text/csv; header=present; charset="UTF-8"', TABLE),
        ("application/jsonl\t; charset=us-ascii", LINES),
    ],
)
def test_a_content_type_is_read_as_it_is_written(header, media):
    assert content_type(header) == media


@pytest.mark.parametrize("header", ["text/plain", "text/csv; charset=utf-16", "text/csv;charset=latin-1", "json"])
def test_another_content_type_is_refused(header):
    with pytest.raises(Refused, match="Expected Content-Type application/json") as error:
        content_type(header)
    assert error.value.status == 415
