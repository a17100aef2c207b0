"""The HTTP API: off unless asked for, signed, throttled, logged, without CORS, and able to ask endpoints only."""

from __future__ import annotations

import json

import pytest

from tests.infra.conftest import Synthesize
from tests.infra.templates import Deployment
from trainyard.errors import ConfigError

ENDPOINTS = "arn:aws:sagemaker:us-east-1:111122223333:endpoint"


@pytest.fixture(scope="module")
def with_api(synthesize: Synthesize) -> Deployment:
    return synthesize("dev", api="true")


def test_there_is_no_api_unless_it_is_asked_for(deployment: Deployment, synthesize: Synthesize) -> None:
    assert not deployment.workflow.resources("AWS::ApiGatewayV2::Api")
    assert "FunctionsPredict" not in "".join(deployment.workflow.resources("AWS::Lambda::Function"))
    with pytest.raises(ConfigError, match="api to be true, false"):
        synthesize("dev", api="maybe")


def test_one_route_takes_signed_requests_only(with_api: Deployment) -> None:
    route = with_api.workflow.only("AWS::ApiGatewayV2::Route")
    assert (route["RouteKey"], route["AuthorizationType"]) == ("POST /{recipe}/predict", "AWS_IAM")
    api = with_api.workflow.only("AWS::ApiGatewayV2::Api")
    assert (api["ProtocolType"], "CorsConfiguration" in api) == ("HTTP", False)


def test_the_stage_limits_the_rate_and_logs_every_request_but_no_body(with_api: Deployment) -> None:
    stage = with_api.workflow.only("AWS::ApiGatewayV2::Stage")
    limits = stage["DefaultRouteSettings"]
    assert 0 < limits["ThrottlingRateLimit"] <= limits["ThrottlingBurstLimit"] <= 1000
    groups = with_api.workflow.resources("AWS::Logs::LogGroup")
    [(name, group)] = [(name, each) for name, each in groups.items() if name.startswith("ApiAccessLogs")]
    assert stage["AccessLogSettings"]["DestinationArn"].removesuffix(":*") in with_api.workflow.arn(name)
    assert group["RetentionInDays"] == 14
    line = json.loads(stage["AccessLogSettings"]["Format"])
    assert {"requestId", "caller", "path", "status"} <= set(line)
    assert not any("body" in each for each in line.values())


def test_only_the_api_may_call_the_function_which_gives_up_before_it_does(with_api: Deployment) -> None:
    functions = with_api.workflow.resources("AWS::Lambda::Function")
    [(name, function)] = [
        (name, each) for name, each in functions.items() if each["Handler"].startswith("lambdas.predict")
    ]
    integration = with_api.workflow.only("AWS::ApiGatewayV2::Integration")
    assert integration["IntegrationUri"] == with_api.workflow.arn(name)
    assert integration["PayloadFormatVersion"] == "2.0"
    assert 25 < function["Timeout"] < 30
    assert function["Environment"]["Variables"] == {"ENDPOINT_PREFIX": "trainyard-dev"}
    allowed = [
        each
        for each in with_api.workflow.resources("AWS::Lambda::Permission").values()
        if each["FunctionName"] == with_api.workflow.arn(name)
    ]
    assert [each["Principal"] for each in allowed] == ["apigateway.amazonaws.com"]
    assert all(
        each["SourceArn"].endswith("/{recipe}/predict") or "/*/*/*/predict" in each["SourceArn"] for each in allowed
    )


def test_the_function_asks_the_endpoints_of_its_environment_and_nothing_else(with_api: Deployment) -> None:
    role = with_api.role("FunctionsPredictRole")
    assert role.may("sagemaker:InvokeEndpoint", f"{ENDPOINTS}/trainyard-dev-two-tower")
    assert not role.may("sagemaker:InvokeEndpoint", f"{ENDPOINTS}/trainyard-prod-two-tower")
    given = [each["Action"] for each in role.statements()]
    actions = {action for each in given for action in ([each] if isinstance(each, str) else each)}
    assert {each.partition(":")[0] for each in actions} == {"sagemaker", "logs", "xray"}
