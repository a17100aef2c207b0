"""The document about a data check: what is said, what is left out, what earlier versions wrote."""

from __future__ import annotations

import json

from trainyard.contract.quality import MAX_PROBLEMS, MAX_SENTENCE, Quality


def test_a_warning_refuses_nothing_and_comes_back():
    quality = Quality(warnings=("odd",), figures={"rows": 1.0})
    assert quality.ok
    assert json.loads(quality.to_json())["warnings"] == ["odd"]
    assert Quality.from_json(quality.to_json()) == quality


def test_two_checks_add_up():
    both = Quality(problems=("a",), warnings=("w",), figures={"x": 1.0}) + Quality(warnings=("v",), figures={"y": 2.0})
    assert both == Quality(problems=("a",), warnings=("w", "v"), figures={"x": 1.0, "y": 2.0})


def test_many_and_long_sentences_are_cut():
    many = tuple("x" * 10_000 for _ in range(MAX_PROBLEMS + 5))
    document = json.loads(Quality(problems=many, warnings=many).to_json())
    assert document["problems"][-1] == "... and 5 more problems."
    assert document["warnings"][-1] == "... and 5 more warnings."
    assert {len(each) for each in document["problems"][:-1]} == {MAX_SENTENCE}


def test_a_document_without_warnings_is_read():
    assert Quality.from_json('{"ok": true, "problems": [], "figures": {}}') == Quality()
    assert Quality.from_json('{"ok": false}').problems == ("the data were refused without a reason",)
