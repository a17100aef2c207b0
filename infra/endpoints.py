"""Endpoints of registered models: how they are called, and who may make, call and describe them."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from infra.permissions import Permission
from trainyard.run.naming import ALARMS

NAMED_AFTER_ENDPOINTS = "Alarms of a roll-out are called after endpoints; the environment's prefix is spelt out."
NAMED_AFTER_MODELS = "Endpoints are called after recipes and their variants; the environment's prefix is spelt out."


def endpoint_arn(scope: Construct, prefix: str) -> str:
    """Pattern of the ARNs of an environment's endpoints, `<prefix>-<model>`; `prefix` is that of its settings."""
    return _arn(scope, "endpoint", prefix=prefix)


def configuration_arn(scope: Construct, prefix: str) -> str:
    """Pattern of the ARNs of the configurations of an environment's endpoints."""
    return _arn(scope, "endpoint-config", prefix=prefix)


def deploy(scope: Construct, prefix: str) -> list[Permission]:
    """What the state machine needs to put a model behind its endpoint, and to take that back."""
    endpoint, configuration = endpoint_arn(scope, prefix), configuration_arn(scope, prefix)
    return [
        Permission(
            sid="CreateAndUpdateEndpoints",
            # Both kinds of resources are judged: the endpoint, and the configuration that it gets.
            actions=[
                "sagemaker:CreateEndpoint",
                "sagemaker:CreateEndpointConfig",
                "sagemaker:UpdateEndpoint",
                "sagemaker:AddTags",
            ],
            resources=[endpoint, configuration],
            why=NAMED_AFTER_MODELS,
        ),
        Permission(
            sid="WatchEndpoints",
            actions=["sagemaker:DescribeEndpoint", "sagemaker:DeleteEndpoint"],
            resources=[endpoint],
            why=NAMED_AFTER_MODELS,
        ),
        Permission(
            sid="WatchRollOuts",
            actions=["cloudwatch:PutMetricAlarm", "cloudwatch:DescribeAlarms"],
            resources=_alarms(scope, prefix),
            why=NAMED_AFTER_ENDPOINTS,
        ),
    ]


def watch_roll_outs(scope: Construct, prefix: str) -> Permission:
    """Look at the alarms of roll-outs.

    SageMaker does it with the rights of an "execution role", says its guide, which may be the one of whoever asks for
    the update or the one of the model: both may.
    """
    return Permission(
        sid="WatchRollOuts",
        actions=["cloudwatch:DescribeAlarms"],
        resources=_alarms(scope, prefix),
        why=NAMED_AFTER_ENDPOINTS,
    )


def _alarms(scope: Construct, prefix: str) -> list[str]:
    return [_alarm_arn(scope, f"{prefix}-*-{each}") for each in ALARMS]


def _alarm_arn(scope: Construct, name: str) -> str:
    stack = cdk.Stack.of(scope)
    return stack.format_arn(
        service="cloudwatch", resource="alarm", resource_name=name, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
    )


def invoke(scope: Construct, prefix: str) -> Permission:
    """Send requests to any model of this environment."""
    return Permission(
        sid="InvokeEndpoints",
        actions=["sagemaker:InvokeEndpoint"],
        resources=[endpoint_arn(scope, prefix)],
        why=NAMED_AFTER_MODELS,
    )


def _arn(scope: Construct, resource: str, *, prefix: str) -> str:
    stack = cdk.Stack.of(scope)
    return stack.format_arn(service="sagemaker", resource=resource, resource_name=f"{prefix}-*")
