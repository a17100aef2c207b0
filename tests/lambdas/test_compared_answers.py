"""A version that is compared by kept requests: what counts as changed, what is refused, and what is said of it."""

from __future__ import annotations

import io
import json

import boto3
import pytest
from botocore.stub import ANY, Stubber

from lambdas import smoke_test as function
from tests.lambdas import test_smoke_test as smoke
from trainyard.errors import JobFailed, TrainyardError
from trainyard.stages.deploy.comparison import ROWS_AT_A_TIME, Comparison, Kept, compare
from trainyard.stages.deploy.difference import changed

runtime = smoke.runtime
WANTED = {"recipe": "prod2vec", "model": "prod2vec--shop", "rows": 2, "most_changed": 0.2, "tolerance": 0.01}


def similar(*products: int) -> dict:
    return {"similar": [{"product_id": each, "similarity": 1 / each} for each in products]}


def wanted(**changes) -> Comparison:
    return Comparison.from_mapping(WANTED | {"never_kept": []} | changes)


def kept(request: dict, answer: dict, *, event: str = "e1") -> Kept:
    return Kept(event_id=event, row=request["id"], request=request, answer=answer)


@pytest.mark.parametrize(
    ("before", "now", "share"),
    [
        (similar(1, 2, 3, 4), similar(4, 3, 2, 1), 0.0),
        (similar(1, 2, 3, 4), similar(1, 2, 3, 5), 0.25),
        (similar(1, 2), similar(3, 4), 1.0),
        (similar(1, 2, 3, 4), similar(1, 2), 0.5),
        ({"category": "SPORT", "probability": 0.9}, {"category": "SPORT", "probability": 0.4}, 0.0),
        ({"category": "SPORT"}, {"category": "NEWS"}, 1.0),
        ({"probability": 0.52}, {"probability": 0.525}, 0.0),
        ({"probability": 0.52}, {"probability": 0.58}, 1.0),
        ([0.5, 0.25], [0.5, 0.35], 0.5),
        ({"minutes": 3000.0}, {"minutes": 3020.0}, 0.0),
        ({}, {}, 0.0),
        ({"known": True}, {"known": False}, 1.0),
        ({"propensity": 0.52, "likely": True}, {"propensity": 0.0, "likely": True}, 0.5),
        ({"propensity": 0.52, "rating": None}, {"propensity": 0.0, "rating": None}, 0.5),
        ({"title": "A", "known": True}, {"title": "A", "known": False}, 0.5),
    ],
)
def test_what_an_answer_names_is_compared_and_numbers_where_it_names_nothing(before, now, share):
    assert changed(before, now, tolerance=0.01) == pytest.approx(share)


def answering(answers: dict[int, dict]):
    """A version that answers rows by their product, and refuses those that it does not know."""
    asked = []

    def invoke(body: bytes) -> bytes:
        rows = json.loads(body)["instances"]
        asked.append(len(rows))
        if unknown := [each["id"] for each in rows if each["id"] not in answers]:
            raise JobFailed(f"Row {unknown[0]} is unknown.")
        return json.dumps({"predictions": [answers[each["id"]] for each in rows]}).encode()

    return invoke, asked


def test_answers_within_what_is_allowed_pass_and_rows_are_asked_together():
    rows = [kept({"id": each}, similar(1, 2, 3, 4)) for each in range(ROWS_AT_A_TIME + 5)]
    invoke, asked = answering({each: similar(1, 2, 3, 4 if each else 5) for each in range(len(rows))})
    verdict = compare(rows, wanted(), invoke=invoke)
    assert (verdict.passed, verdict.problems, verdict.requests) == (True, (), len(rows))
    assert verdict.compared.startswith(f"Compared with the version before by {len(rows)} rows")
    assert verdict.changed == round(0.25 / len(rows), 4)
    assert asked == [ROWS_AT_A_TIME, 5]


def test_answers_that_changed_too_much_are_refused_with_the_share_and_three_rows():
    rows = [kept({"id": each}, similar(1, 2)) for each in range(5)]
    invoke, _ = answering({each: similar(*((8, 9) if each > 0 else (1, 2))) for each in range(5)})
    verdict = compare(rows, wanted(), invoke=invoke)
    first, *examples = verdict.problems
    assert "answers 4 of the 5 newest rows" in first
    assert "80.0% of what the answers say has changed, at most 20.0% may (deploy.compare.most_changed)" in first
    assert len(examples) == 3
    # What was asked stays where it can be forgotten.
    assert examples[0] == "Row 1 of the request kept with event_id e1: 100% of the answer has changed."


def test_a_row_that_is_refused_has_changed_and_does_not_spoil_the_others():
    rows = [kept({"id": each}, similar(1)) for each in (0, 1, 2)]
    invoke, asked = answering({0: similar(1), 2: similar(1)})
    verdict = compare(rows, wanted(), invoke=invoke)
    assert verdict.changed == pytest.approx(1 / 3, abs=1e-3)
    assert asked == [3, 1, 1, 1]
    assert verdict.problems[1] == "Row 1 of the request kept with event_id e1: it is refused."


def test_fields_that_are_never_kept_are_not_compared_and_nothing_kept_is_no_reason():
    invoke, _ = answering({0: {"category": "A", "E-Mail": "b@c"}})
    rows = [kept({"id": 0}, {"category": "A"})]
    assert compare(rows, wanted(never_kept=["email"]), invoke=invoke).changed == 0
    nothing = compare([], wanted(), invoke=invoke)
    assert nothing.passed
    assert nothing.compared.startswith("Nothing was compared: of the last 7 days the endpoint kept no requests")


def test_the_function_asks_athena_for_what_other_runs_answered(runtime, monkeypatch):
    athena = boto3.client("athena")
    monkeypatch.setattr(function, "_athena", lambda: athena)
    texts = ("e1", "0", json.dumps({"product_id": 1}), json.dumps(similar(5)))
    found = [[{"VarCharValue": each} for each in texts]] * 2
    header = [{"VarCharValue": each} for each in ("event_id", "row", "request", "answer")]
    event = smoke.EVENT | {"comparison": WANTED | {"never_kept": []}, "database": "trainyard_dev"}
    smoke.answers(runtime, smoke.ANSWER, smoke.ANSWER)
    body = json.dumps({"predictions": [similar(6), similar(5)]}).encode()
    asked = {"EndpointName": ANY, "ContentType": ANY, "Accept": ANY, "CustomAttributes": ANY}
    asked["Body"] = json.dumps({"instances": [{"product_id": 1}] * 2}).encode()
    runtime.add_response("invoke_endpoint", {"Body": io.BytesIO(body)}, asked)
    with Stubber(athena) as stubber:
        given = {"QueryString": ANY, "QueryExecutionContext": {"Database": "trainyard_dev"}, "ResultConfiguration": ANY}
        stubber.add_response("start_query_execution", {"QueryExecutionId": "q1"}, given)
        done = {"QueryExecution": {"Status": {"State": "SUCCEEDED"}}}
        stubber.add_response("get_query_execution", done, {"QueryExecutionId": "q1"})
        rows = {"ResultSet": {"Rows": [{"Data": each} for each in (header, *found)]}}
        stubber.add_response("get_query_results", rows, {"QueryExecutionId": "q1", "MaxResults": 3})
        verdict = function.handler(event, None)
        stubber.assert_no_pending_responses()
    assert (verdict["passed"], verdict["changed"], verdict["requests"]) == (False, 0.5, 2)
    assert "answers 1 of the 2 newest rows" in verdict["problems"][0]
    # Those of the smoke test stay.
    assert verdict["slowest_ms"] > 0
    assert "50.0% of what the answers say has changed" in verdict["compared"]


def test_what_athena_cannot_say_is_no_pass(runtime, monkeypatch):
    class Failing:
        def start_query_execution(self, **_):
            return {"QueryExecutionId": "q1"}

        def get_query_execution(self, **_):
            return {"QueryExecution": {"Status": {"State": "FAILED", "StateChangeReason": "no such table"}}}

    monkeypatch.setattr(function, "_athena", Failing)
    smoke.answers(runtime, smoke.ANSWER, smoke.ANSWER)
    event = smoke.EVENT | {"comparison": WANTED | {"never_kept": []}, "database": "trainyard_dev"}
    with pytest.raises(TrainyardError, match="no such table"):
        function.handler(event, None)
