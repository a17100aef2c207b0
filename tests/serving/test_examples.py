"""Examples survive their file, and a check says where another answer differs."""

from __future__ import annotations

import json

import pytest

from trainyard.errors import JobFailed, NotFound
from trainyard.serving import examples
from trainyard.serving.examples import Examples, check


def test_examples_come_back_from_their_folder(tmp_path):
    made = Examples.of([{"a": 1}, {"a": 2}], [{"b": [0.1]}, {"b": []}])
    made.save(tmp_path)
    assert examples.load(tmp_path) == made == examples.load(tmp_path / "examples.json")
    document = json.loads((tmp_path / "examples.json").read_text())
    assert document["content_type"] == "application/json"
    assert document["requests"][1] == {"instances": [{"a": 2}]}
    assert document["answers"][0] == {"predictions": [{"b": [0.1]}]}


def test_a_model_without_examples_is_named(tmp_path):
    with pytest.raises(NotFound, match=r"Expected examples\.json"):
        examples.load(tmp_path)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"requests": [], "answers": []}', '{"content_type": "a", "requests": [1], "answers": []}']
)
def test_a_file_of_another_form_is_refused(text):
    with pytest.raises(JobFailed, match="Expected"):
        examples.parse(text)


EXPECTED = {"predictions": [{"score": 0.5, "name": "x", "ok": True, "n": 3, "list": [1.0, 2.0], "none": None}]}


def changed(**values):
    return {"predictions": [{**EXPECTED["predictions"][0], **values}]}


@pytest.mark.parametrize("answer", [EXPECTED, changed(score=0.5002), changed(n=3.0), changed(list=[1, 2.001])])
def test_the_same_answer_passes(answer):
    assert check(answer, EXPECTED) == []


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (changed(score=0.51), "Expected 0.5 at .predictions[0].score, found 0.51."),
        (changed(score="0.5"), "Expected 0.5 at .predictions[0].score, found '0.5'."),
        (changed(score=float("nan")), "Expected 0.5 at .predictions[0].score, found nan."),
        (changed(name="y"), "Expected 'x' at .predictions[0].name, found 'y'."),
        (changed(ok=1), "Expected True at .predictions[0].ok, found 1."),
        (changed(list=[1.0]), "Expected 2 entries at .predictions[0].list, found 1."),
        (changed(more=1), "Expected the fields list, n, name, none, ok, score at .predictions[0]"),
        ({"error": "no"}, "Expected the fields predictions at the answer, found error."),
        ([], "Expected {'predictions'"),
    ],
)
def test_another_answer_is_named(answer, sentence):
    found = check(answer, EXPECTED)
    assert len(found) == 1
    assert found[0].startswith(sentence)


def test_every_difference_is_named():
    assert len(check(changed(score=1, name="y"), EXPECTED)) == 2
