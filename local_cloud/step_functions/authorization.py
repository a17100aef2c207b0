"""Refuses a task that the state machine's own role may not do, with AWS's error name and sentence."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.session
from ministack.core.responses import new_uuid
from ministack.services import stepfunctions

from local_cloud import roles
from local_cloud.roles import Need
from local_cloud.step_functions import permissions
from local_cloud.step_functions.history import Record
from local_cloud.step_functions.status import execution_error

SERVICE = "states.amazonaws.com"

# Optimised integrations speak through the AWS SDK for Java 1: service -> (error name, service name in the cause).
_OPTIMISED = {
    "lambda": ("Lambda.AWSLambdaException", "AWSLambda", 403, "AccessDeniedException"),
    "sns": ("SNS.AmazonSNSException", "AmazonSNS", 403, "AuthorizationError"),
    "sqs": ("SQS.AmazonSQSException", "AmazonSQS", 403, "AccessDenied"),
    "dynamodb": ("DynamoDB.AmazonDynamoDBException", "AmazonDynamoDBv2", 400, "AccessDeniedException"),
    "events": ("EventBridge.AmazonEventBridgeException", "AmazonEventBridge", 400, "AccessDeniedException"),
    "states": ("StepFunctions.AWSStepFunctionsException", "AWSStepFunctions", 400, "AccessDeniedException"),
    "glue": ("Glue.AWSGlueException", "AWSGlue", 400, "AccessDeniedException"),
    "sagemaker": ("SageMaker.AmazonSageMakerException", "AmazonSageMaker", 400, "AccessDeniedException"),
}


def check(execution: Record, resource: str, *, arguments: Any) -> None:
    """Fail the task unless the execution's role has every permission the call needs."""
    needs = permissions.needed(resource, arguments)
    if not needs:
        return
    try:
        machine = execution["stateMachineArn"]
        session = roles.assume(execution["roleArn"], execution["name"], service=SERVICE, source_arn=machine)
    except roles.RoleError as error:
        raise execution_error("States.Runtime", str(error)) from error
    for need in needs:
        sentence = roles.denial(session, need)
        if sentence is not None:
            raise _refusal(resource, need, sentence=sentence)


def _refusal(resource: str, need: Need, *, sentence: str) -> Exception:
    parts = permissions.split_pattern(resource)[0].split(":")
    if parts[5] == "aws-sdk":
        error, name, status, code = _sdk_error(parts[6].lower(), need)
    else:
        service = "lambda" if ":function:" in resource else parts[5]
        error, name, status, code = _OPTIMISED[service]
    cause = f"{sentence} (Service: {name}; Status Code: {status}; Error Code: {code}; Request ID: {new_uuid()})"
    return execution_error(error, cause)


def _sdk_error(service: str, need: Need) -> tuple[str, str, int, str]:
    """SDK integrations speak through the SDK for Java 2: the modelled exception where there is one, else the base."""
    prefix = stepfunctions._AWS_SDK_ERROR_PREFIX.get(service, service.capitalize())
    if service == "s3":
        return "S3.S3Exception", "S3", 403, "AccessDenied"
    modelled = "AccessDeniedException" in _shapes(need.service)
    name = f"{prefix}.AccessDeniedException" if modelled else f"{prefix}.{prefix}Exception"
    return name, prefix, 400, "AccessDeniedException"


@cache
def _shapes(service: str) -> frozenset[str]:
    """Names of the shapes in botocore's model of a service; empty for one it does not know."""
    session = botocore.session.get_session()
    if service not in session.get_available_services():
        return frozenset()
    return frozenset(session.get_service_model(service).shape_names)
