"""The HTTP API in front of the endpoints: `POST /{recipe}/predict`, signed by its callers, throttled and logged."""

from __future__ import annotations

import json

import aws_cdk as cdk
import jsii
from aws_cdk import aws_apigateway as rest
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk.aws_apigatewayv2_authorizers import HttpIamAuthorizer
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra.settings import Settings

# The longest that an HTTP API waits is 30 seconds.
PATIENCE = cdk.Duration.seconds(29)
REQUESTS_PER_SECOND, BURST = 50, 100
# Who asked for what, and how it went; never what was in a body.
LOGGED = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "caller": "$context.identity.userArn",
    "ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "milliseconds": "$context.responseLatency",
    "error": "$context.error.message",
    "integrationError": "$context.integrationErrorMessage",
}


@jsii.implements(http.IAccessLogSettings)
class _AccessLogs:
    """One line of JSON per request."""

    def __init__(self, log_group: logs.LogGroup) -> None:
        self._destination = http.LogGroupLogDestination(log_group)

    @property
    def destination(self) -> http.IAccessLogDestination:
        return self._destination

    @property
    def format(self) -> rest.AccessLogFormat:
        return rest.AccessLogFormat.custom(json.dumps(LOGGED))


class Api(Construct):
    """One route and one function. Requests are signed (IAM), there is no CORS, and the stage limits the rate.

    HTTP APIs have no request validators: the function checks size, content type and shape before it asks a model.
    """

    def __init__(
        self, scope: Construct, name: str, *, settings: Settings, key_arn: str | None, predict: lambda_.IFunction
    ) -> None:
        super().__init__(scope, name)
        self.api = http.HttpApi(
            self,
            "Http",
            api_name=f"{settings.prefix}-api",
            description="Asks the models of this environment.",
            create_default_stage=False,
            default_authorizer=HttpIamAuthorizer(),
        )
        self.api.add_routes(
            path="/{recipe}/predict",
            methods=[http.HttpMethod.POST],
            integration=HttpLambdaIntegration("Predict", predict, timeout=PATIENCE),
        )
        log_group = logs.LogGroup(
            self,
            "AccessLogs",
            log_group_name=f"/aws/vendedlogs/apigateway/{settings.prefix}",
            retention=settings.log_retention,
            encryption_key=kms.Key.from_key_arn(self, "Key", key_arn) if key_arn else None,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.stage = http.HttpStage(
            self,
            "Stage",
            http_api=self.api,
            stage_name="$default",
            auto_deploy=True,
            detailed_metrics_enabled=True,
            throttle=http.ThrottleSettings(rate_limit=REQUESTS_PER_SECOND, burst_limit=BURST),
            access_log_settings=_AccessLogs(log_group),
        )

    @property
    def url(self) -> str:
        """Where the API answers."""
        return self.api.api_endpoint
