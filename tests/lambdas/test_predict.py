"""The function behind the HTTP API: which endpoint it asks, what it refuses before that, and what errors become."""

from __future__ import annotations

import base64
import gzip
import io
import json

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from lambdas import predict
from trainyard.serving.inference_id import HEADER

PREFIX = "trainyard-test"
ROWS = {"instances": [{"uid": 1}]}


@pytest.fixture
def runtime(monkeypatch):
    """SageMaker's runtime with answers prepared; nothing but what is prepared may be asked."""
    monkeypatch.setenv("ENDPOINT_PREFIX", PREFIX)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("sagemaker-runtime", aws_access_key_id="a", aws_secret_access_key="b")
    monkeypatch.setattr(predict, "_runtime", lambda: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def packed(content):
    return base64.b64encode(gzip.compress(content)).decode()


def event(
    body,
    *,
    recipe="two_tower",
    media="application/json",
    variant=None,
    accept=None,
    encoded=False,
    packing=None,
    model=None,
):
    text = body if isinstance(body, str) else json.dumps(body)
    headers = {"content-type": media, "accept": accept, "content-encoding": packing}
    return {
        "version": "2.0",
        "rawPath": f"/{recipe}/predict",
        "headers": {name: value for name, value in headers.items() if value},
        "pathParameters": {"recipe": recipe},
        "queryStringParameters": {"variant": variant or "", "model": model or ""} if variant or model else None,
        "body": text,
        "isBase64Encoded": encoded,
    }


def answer(stubber, content=b'{"predictions": [1]}', **expected):
    request = {
        "EndpointName": f"{PREFIX}-two-tower",
        "Body": json.dumps(ROWS).encode(),
        "ContentType": "application/json",
        "Accept": "*/*",
        **expected,
    }
    stubber.add_response("invoke_endpoint", {"Body": io.BytesIO(content), "ContentType": "application/json"}, request)


def refused(response, status):
    assert response["statusCode"] == status
    assert response["headers"]["content-type"] == "application/json"
    document = json.loads(response["body"])
    assert list(document) == ["error"]
    assert "Traceback" not in document["error"]
    return document["error"]


def test_rows_reach_the_recipes_endpoint_and_the_answer_the_caller(runtime):
    answer(runtime)
    response = predict.handler(event(ROWS), None)
    assert response == {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": '{"predictions": [1]}',
    }


def test_a_variant_has_an_endpoint_of_its_own(runtime):
    answer(runtime, EndpointName=f"{PREFIX}-propensity-product-3", Accept="text/csv")
    call = event(ROWS, recipe="propensity", variant="product-3", accept="text/csv")
    assert predict.handler(call, None)["statusCode"] == 200


def test_a_named_model_has_an_endpoint_of_its_own(runtime):
    answer(runtime, EndpointName=f"{PREFIX}-two-tower--shop-north", Accept="*/*")
    assert predict.handler(event(ROWS, model="shop-north"), None)["statusCode"] == 200


@pytest.mark.parametrize(
    ("media", "body"),
    [
        ("application/json; charset=utf-8", '{"uid": 1}'),
        ("application/json", '[{"uid": 1}]'),
        ("application/jsonlines", '{"uid": 1}\n\n{"uid": 2}\n'),
        ("text/csv", "uid\n1\n"),
    ],
)
def test_all_shapes_of_rows_pass_unchanged_also_encoded(runtime, media, body):
    expected = {"Body": body.encode(), "ContentType": media.partition(";")[0]}
    answer(runtime, **expected)
    assert predict.handler(event(body, media=media), None)["statusCode"] == 200
    answer(runtime, **expected)
    encoded = base64.b64encode(body.encode()).decode()
    assert predict.handler(event(encoded, media=media, encoded=True), None)["statusCode"] == 200


def test_a_caller_names_its_request_and_hears_what_a_kept_one_is_called(runtime):
    named = {"headers": event(ROWS)["headers"] | {HEADER: "order-7"}}
    request = {
        **{"EndpointName": f"{PREFIX}-two-tower", "Body": json.dumps(ROWS).encode()},
        **{"ContentType": "application/json", "Accept": "*/*"},
    }
    found = {"Body": io.BytesIO(b"{}"), "ContentType": "application/json"}
    told = {"InferenceId": "order-7", "CustomAttributes": "inference_id=order-7"}
    runtime.add_response("invoke_endpoint", found | {"CustomAttributes": told["CustomAttributes"]}, request | told)
    assert predict.handler(event(ROWS) | named, None)["headers"] == {
        "content-type": "application/json",
        "x-amzn-sagemaker-inference-id": "order-7",
    }


def test_a_packed_body_reaches_the_endpoint_unpacked(runtime):
    answer(runtime)
    call = event(packed(json.dumps(ROWS).encode()), encoded=True, packing="gzip")
    assert predict.handler(call, None)["statusCode"] == 200


@pytest.mark.parametrize(
    ("call", "status", "sentence"),
    [
        (event(ROWS, recipe="no_such"), 404, "one of the recipes"),
        (event(ROWS, recipe="two_tower/../x"), 404, "one of the recipes"),
        (event(ROWS, variant="../etc"), 400, "a variant such as"),
        (event(ROWS, model="../etc"), 400, "a model's name of 1 to 32"),
        (event(ROWS) | {"headers": {"content-type": "application/json", HEADER: "two words"}}, 400, "an inference id"),
        (event(ROWS, media="text/html"), 415, "text/html"),
        (event(ROWS, media=""), 415, "none"),
        (event(""), 400, "an empty body"),
        (event('{"uid": '), 400, "Expected JSON in the body"),
        (event("[" * 100_000), 400, "Expected JSON in the body"),
        (event('{"uid": NaN}'), 400, "NaN is no number"),
        (event("7"), 400, "[row, ...]"),
        (event([]), 400, "at least one row"),
        (event({"instances": []}), 400, "at least one row"),
        (event({"instances": {"uid": 1}}), 400, "[row, ...]"),
        (event([{"uid": 1}, 7]), 400, "Row 1: expected an object, found 7"),
        (event('{"uid": 1}\n[2]', media="application/jsonlines"), 400, "Line 2: expected an object"),
        (event('{"uid": 1}\n{', media="application/jsonlines"), 400, "JSON in line 2"),
        (event("uid\n", media="text/csv"), 400, "at least one row"),
        (event(base64.b64encode(b"\xff\xfe").decode(), encoded=True), 400, "UTF-8"),
        (event("no base64!", encoded=True), 400, "UTF-8"),
        (event('"' + "x" * 6 * 1024 * 1024 + '"'), 413, "6,291,456 bytes, which is what the HTTP API carries"),
        (event(ROWS, media="application/json; charset=utf-16"), 415, "in UTF-8"),
        (event(ROWS, packing="br"), 415, "Expected Content-Encoding gzip or none, found 'br'"),
        (event(ROWS, packing="gzip"), 400, "Expected a body in gzip"),
        (event(packed(b" " * 2**23), packing="gzip", encoded=True), 413, "found a longer one"),
        (event(base64.b64encode(json.dumps(ROWS).encode("utf-16")).decode(), encoded=True), 400, "UTF-8"),
        (event('{"uid": ' + "1" * 5000 + "}"), 400, "Expected JSON in the body"),
    ],
)  # fmt: skip
def test_what_cannot_be_rows_is_refused_before_a_model_is_asked(runtime, call, status, sentence):
    assert sentence in refused(predict.handler(call, None), status)


@pytest.mark.parametrize(
    ("code", "fields", "status", "sentence"),
    [
        ("ModelError", {"OriginalStatusCode": 422, "OriginalMessage": '{"error": "no uid."}'}, 422, "no uid."),
        ("ModelError", {"OriginalStatusCode": 400, "OriginalMessage": "no rows"}, 400, "no rows"),
        ("ModelError", {"OriginalStatusCode": 500, "OriginalMessage": "File x, line 3"}, 502, "log of its endpoint"),
        ("ModelError", {"OriginalStatusCode": 0, "OriginalMessage": "timed out"}, 502, "log of its endpoint"),
        ("ThrottlingException", {}, 503, "as it can take"),
        ("ModelNotReadyException", {}, 503, "as it can take"),
        ("AccessDeniedException", {}, 502, "log of the service"),
        ("InternalFailure", {}, 502, "log of the service"),
    ],
)  # fmt: skip
def test_errors_of_the_endpoint_become_one_sentence(runtime, code, fields, status, sentence):
    runtime.add_client_error("invoke_endpoint", code, "secret detail", modeled_fields=fields)
    response = predict.handler(event(ROWS), None)
    told = refused(response, status)
    assert sentence in told
    assert "secret detail" not in told
    assert "line 3" not in told
    assert ("retry-after" in response["headers"]) == (status == 503)


def test_a_recipe_without_an_endpoint_is_not_found(runtime):
    runtime.add_client_error("invoke_endpoint", "ValidationError", "Endpoint x of account 1 not found.")
    assert "deploy one first" in refused(predict.handler(event(ROWS), None), 404)


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (ReadTimeoutError(endpoint_url="x"), 504),
        (EndpointConnectionError(endpoint_url="x"), 502),
        (RuntimeError("a defect"), 500),
    ],
)
def test_no_answer_and_defects_say_nothing_of_the_inside(runtime, monkeypatch, problem, status):
    def fail(**_request):
        raise problem

    monkeypatch.setattr(predict._runtime(), "invoke_endpoint", fail)
    told = refused(predict.handler(event(ROWS), None), status)
    assert "defect" not in told
    assert "endpoint_url" not in told


def test_a_request_that_the_endpoint_does_not_carry_is_refused_with_its_limit(runtime):
    said = "Request 5000000 has exceeded limit 4194304 bytes."
    runtime.add_client_error("invoke_endpoint", "ValidationError", said, http_status_code=413)
    told = refused(predict.handler(event(ROWS), None), 413)
    assert told == (
        "Expected a body of at most 4,194,304 bytes, which is what the endpoint of this model carries, found "
        "5,000,000; send several requests."
    )


def test_an_answer_larger_than_the_function_may_give_is_refused(runtime):
    answer(runtime, content=b"x" * (5 * 1024 * 1024))
    assert predict.handler(event(ROWS), None)["statusCode"] == 200
    # Each quotation mark takes two bytes in what the function returns.
    answer(runtime, content=b'"' * (4 * 1024 * 1024))
    assert "6,291,456 bytes, which is what the HTTP API carries, found 8,388" in refused(
        predict.handler(event(ROWS), None), 413
    )
