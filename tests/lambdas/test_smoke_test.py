"""The smoke test: what a new endpoint is asked, which answers pass, and that one that cannot be tested does not."""

from __future__ import annotations

import io
import json

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError
from botocore.stub import Stubber

from lambdas import smoke_test as function
from tests.lambdas.conftest import ARTIFACTS
from trainyard.serving.examples import Examples
from trainyard.stages.deploy import smoke_test

KEY = "prod2vec/r1/evaluate/examples.json"
EVENT = {"endpoint": "trainyard-test-prod2vec", "run": {"recipe": "prod2vec", "run_id": "r1"}}
ANSWER = {"predictions": [{"similar": [{"product_id": 5, "similarity": 0.75}]}]}
EXAMPLES = {
    "content_type": "application/json",
    "requests": [{"instances": [{"product_id": 1}]}, {"instances": [{"product_id": 2}]}],
    "answers": [ANSWER, ANSWER],
}


@pytest.fixture
def runtime(aws, monkeypatch):
    """SageMaker's runtime with answers prepared; the examples are in the bucket."""
    aws.put_object(Bucket=ARTIFACTS, Key=KEY, Body=json.dumps(EXAMPLES).encode())
    client = boto3.client("sagemaker-runtime")
    monkeypatch.setattr(function, "_runtime", lambda: client)
    with Stubber(client) as stubber:
        yield stubber


def answers(stubber: Stubber, *documents) -> None:
    for number, document in enumerate(documents):
        expected = {
            "EndpointName": "trainyard-test-prod2vec",
            "Body": json.dumps(EXAMPLES["requests"][number]).encode(),
            "ContentType": "application/json",
            "Accept": "application/json",
            "CustomAttributes": "inference_id=trainyard-smoke-test",
        }
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        stubber.add_response("invoke_endpoint", {"Body": io.BytesIO(body)}, expected)


def test_an_endpoint_that_answers_as_after_training_passes(runtime):
    nearly = json.loads(json.dumps(ANSWER))
    nearly["predictions"][0]["similar"][0]["similarity"] += 1e-7
    answers(runtime, ANSWER, nearly)
    verdict = function.handler(EVENT, None)
    runtime.assert_no_pending_responses()
    assert verdict["passed"]
    assert (verdict["problems"], verdict["requests"]) == ([], 2)


def test_another_answer_fails_and_names_request_and_place(runtime):
    answers(runtime, ANSWER, {"predictions": [{"similar": [{"product_id": 6, "similarity": 0.75}]}]})
    verdict = function.handler(EVENT, None)
    assert not verdict["passed"]
    assert verdict["problems"] == ["Request 2: Expected 5 at .predictions[0].similar[0].product_id, found 6."]


def test_an_answer_that_is_not_json_fails(runtime):
    answers(runtime, b"<html>", ANSWER)
    [problem] = function.handler(EVENT, None)["problems"]
    assert problem.startswith("Request 1: Expected JSON")


def test_an_error_of_the_model_is_told_in_its_own_words(runtime):
    answers(runtime, ANSWER)
    message = "Received server error (500) from primary with message"
    runtime.add_client_error(
        "invoke_endpoint", "ModelError", message, modeled_fields={"OriginalMessage": "unknown product 2"}
    )
    [problem] = function.handler(EVENT, None)["problems"]
    assert problem.startswith("Request 2: The endpoint refused it: ModelError: ")
    assert "unknown product 2" in problem


def test_an_endpoint_that_does_not_answer_in_time_fails(aws, monkeypatch):
    aws.put_object(Bucket=ARTIFACTS, Key=KEY, Body=json.dumps(EXAMPLES).encode())

    class Silent:
        def invoke_endpoint(self, **_):
            raise ConnectTimeoutError(endpoint_url="https://runtime.sagemaker.us-east-1.amazonaws.com")

    monkeypatch.setattr(function, "_runtime", Silent)
    verdict = function.handler(EVENT, None)
    assert not verdict["passed"]
    assert "could not be reached" in verdict["problems"][0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "Expected the model's examples in prod2vec/r1/evaluate/examples.json"),
        (b"{}", "Expected content_type, requests and answers"),
        (json.dumps({**EXAMPLES, "answers": []}).encode(), "Expected one answer per request, found 2 and 0."),
        (json.dumps({**EXAMPLES, "requests": [], "answers": []}).encode(), "Expected at least one request"),
    ],
)
def test_a_model_without_usable_examples_does_not_pass(aws, content, said):
    if content is not None:
        aws.put_object(Bucket=ARTIFACTS, Key=KEY, Body=content)
    verdict = function.handler(EVENT, None)
    assert not verdict["passed"]
    assert said in verdict["problems"][0]


def test_the_verdict_stays_small_however_much_is_wrong():
    rows = [{"x": number} for number in range(100)]
    wrong = smoke_test.judge(
        Examples.of(rows, ["a" * 5000] * 100), lambda _: json.dumps({"predictions": ["b"]}).encode()
    )
    assert len(wrong.problems) == smoke_test.SHOWN_PROBLEMS
    assert len(json.dumps(wrong.to_mapping())) < 2500
