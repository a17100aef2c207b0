"""Permissions of the state machine's own role, and the credentials that jobs get, on the real server."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from local_cloud.roles import Need
from local_cloud.sagemaker.api.permissions import Permissions
from local_cloud.sagemaker.operations import OPERATIONS
from local_cloud.step_functions import permissions
from tests.local_cloud.conftest import Cloud

ACCOUNT = "arn:aws:{}:us-east-1:000000000000:{}"
TRAINING_RULE = ACCOUNT.format("events", "rule/StepFunctionsGetEventsForSageMakerTrainingJobsRule")
JOB_ROLE = "arn:aws:iam::000000000000:role/job"


@pytest.fixture(scope="module", autouse=True)
def sagemaker() -> None:
    """SageMaker says what its operations need, as it does in the server."""
    permissions.add("sagemaker", Permissions(OPERATIONS).of_task)


def unique(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def allow(action: str | list[str], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def needed(resource: str, arguments: dict[str, Any]) -> set[tuple[str, str]]:
    return {(need.action, need.resource) for need in permissions.needed(resource, arguments)}


def test_a_waiting_training_job_needs_what_the_documentation_says() -> None:
    arguments = {"TrainingJobName": "run-1", "RoleArn": JOB_ROLE, "Tags": [{"Key": "run", "Value": "1"}]}
    job = ACCOUNT.format("sagemaker", "training-job/run-1")
    assert needed("arn:aws:states:::sagemaker:createTrainingJob.sync", arguments) == {
        ("sagemaker:CreateTrainingJob", job),
        ("sagemaker:DescribeTrainingJob", job),
        ("sagemaker:StopTrainingJob", job),
        ("sagemaker:AddTags", job),
        ("sagemaker:ListTags", job),
        ("iam:PassRole", JOB_ROLE),
        ("events:PutTargets", TRAINING_RULE),
        ("events:PutRule", TRAINING_RULE),
        ("events:DescribeRule", TRAINING_RULE),
    }


def test_the_role_of_a_tuning_jobs_children_is_passed_too() -> None:
    arguments = {"HyperParameterTuningJobName": "tune", "TrainingJobDefinition": {"RoleArn": JOB_ROLE}}
    needs = permissions.needed("arn:aws:states:::sagemaker:createHyperParameterTuningJob.sync", arguments)
    assert Need("iam:PassRole", JOB_ROLE, {"iam:PassedToService": "sagemaker.amazonaws.com"}) in needs
    resource = ACCOUNT.format("sagemaker", "hyper-parameter-tuning-job/tune")
    assert ("sagemaker:CreateHyperParameterTuningJob", resource) in {(need.action, need.resource) for need in needs}


@pytest.mark.parametrize(
    ("resource", "arguments", "expected"),
    [
        ("lambda:invoke", {"FunctionName": "f"}, {("lambda:InvokeFunction", ACCOUNT.format("lambda", "function:f"))}),
        ("sns:publish", {"TopicArn": "arn:t"}, {("sns:Publish", "arn:t")}),
        (
            "sqs:sendMessage.waitForTaskToken",
            {"QueueUrl": "https://localhost/000000000000/q"},
            {("sqs:SendMessage", ACCOUNT.format("sqs", "q"))},
        ),
        ("dynamodb:putItem", {"TableName": "t"}, {("dynamodb:PutItem", ACCOUNT.format("dynamodb", "table/t"))}),
        ("events:putEvents", {"Entries": [{}]}, {("events:PutEvents", ACCOUNT.format("events", "event-bus/default"))}),
        (
            "glue:startJobRun.sync",
            {"JobName": "j"},
            {
                (f"glue:{name}", ACCOUNT.format("glue", "job/j"))
                for name in ("StartJobRun", "GetJobRun", "GetJobRuns", "BatchStopJobRun")
            },
        ),
        ("glue:startJobRun", {"JobName": "j"}, {("glue:StartJobRun", ACCOUNT.format("glue", "job/j"))}),
        ("aws-sdk:s3:getObject", {"Bucket": "b", "Key": "k"}, {("s3:GetObject", "arn:aws:s3:::b/k")}),
        (
            "aws-sdk:s3:getObject",
            {"Bucket": "b", "Key": "k", "VersionId": "v"},
            {("s3:GetObjectVersion", "arn:aws:s3:::b/k")},
        ),
        ("aws-sdk:s3:listObjectsV2", {"Bucket": "b", "Prefix": "p"}, {("s3:ListBucket", "arn:aws:s3:::b")}),
        (
            "aws-sdk:s3:copyObject",
            {"Bucket": "b", "Key": "k", "CopySource": "c/x"},
            {("s3:PutObject", "arn:aws:s3:::b/k"), ("s3:GetObject", "arn:aws:s3:::c/x")},
        ),
        (
            "aws-sdk:dynamodb:query",
            {"TableName": "t"},
            {("dynamodb:Query", ACCOUNT.format("dynamodb", "table/t"))},
        ),
        (
            "aws-sdk:cloudwatchlogs:putLogEvents",
            {"LogGroupName": "g"},
            {("logs:PutLogEvents", ACCOUNT.format("logs", "log-group:g"))},
        ),
        (
            "aws-sdk:sagemaker:describeTrainingJob",
            {"TrainingJobName": "t"},
            {("sagemaker:DescribeTrainingJob", ACCOUNT.format("sagemaker", "training-job/t"))},
        ),
        (
            "sagemaker:createModel",
            {"ModelName": "m", "ExecutionRoleArn": JOB_ROLE},
            {("sagemaker:CreateModel", ACCOUNT.format("sagemaker", "model/m")), ("iam:PassRole", JOB_ROLE)},
        ),
        (
            "aws-sdk:sagemaker:createModelPackage",
            {"ModelPackageGroupName": "g"},
            {("sagemaker:CreateModelPackage", ACCOUNT.format("sagemaker", "model-package/g/*"))},
        ),
        (
            "aws-sdk:sagemaker:listModelPackages",
            {"ModelPackageGroupName": "g"},
            {("sagemaker:ListModelPackages", ACCOUNT.format("sagemaker", "model-package/g/*"))},
        ),
        ("aws-sdk:sagemaker:listModelPackages", {}, {("sagemaker:ListModelPackages", "*")}),
    ],
)
def test_needs_of_each_integration(resource: str, arguments: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    assert needed(f"arn:aws:states:::{resource}", arguments) == expected


def object_machine(cloud: Cloud, role: str, bucket: str) -> str:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:putObject",
        "Arguments": {"Bucket": bucket, "Key": "k", "Body": {"a": 1}},
        "Output": "{% $states.result.ETag %}",
        "End": True,
    }
    return cloud.machine(unique("machine"), {"StartAt": "Put", "States": {"Put": task}}, role)


def test_what_the_role_may_not_do_fails_the_state_with_awss_sentence(local_cloud: Cloud) -> None:
    bucket, name = unique("bucket"), unique("role")
    local_cloud.client("s3").create_bucket(Bucket=bucket)
    role = local_cloud.role(name, "states.amazonaws.com", [allow("s3:PutObject", f"arn:aws:s3:::{bucket}/other/*")])
    arn = object_machine(local_cloud, role, bucket)
    refused = local_cloud.run(arn)
    assert (refused["status"], refused["error"]) == ("FAILED", "S3.S3Exception")
    assert refused["cause"].startswith(
        f"User: arn:aws:sts::000000000000:assumed-role/{name}/{refused['name']} is not authorized to perform: "
        f"s3:PutObject on resource: arn:aws:s3:::{bucket}/k because no identity-based policy allows "
        "the s3:PutObject action"
    )
    assert local_cloud.client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 0

    policy = {"Version": "2012-10-17", "Statement": [allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*")]}
    local_cloud.client("iam").put_role_policy(RoleName=name, PolicyName="more", PolicyDocument=json.dumps(policy))
    assert local_cloud.run(arn)["status"] == "SUCCEEDED"
    assert local_cloud.client("s3").get_object(Bucket=bucket, Key="k")["Body"].read() == b'{"a": 1}'


def test_a_bucket_policy_that_denies_wins_over_the_role(local_cloud: Cloud) -> None:
    bucket = unique("bucket")
    local_cloud.client("s3").create_bucket(Bucket=bucket)
    everything = f"arn:aws:s3:::{bucket}/*"
    denying = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": everything}
    document = {"Version": "2012-10-17", "Statement": [denying]}
    local_cloud.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
    role = local_cloud.role(unique("role"), "states.amazonaws.com", [allow("s3:*", "*")])
    refused = local_cloud.run(object_machine(local_cloud, role, bucket))
    assert "with an explicit deny in a resource-based policy" in refused["cause"]


def test_a_bucket_that_demands_tls_serves_the_state_machine(local_cloud: Cloud) -> None:
    bucket = unique("bucket")
    local_cloud.client("s3").create_bucket(Bucket=bucket)
    denying = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    document = {"Version": "2012-10-17", "Statement": [denying]}
    local_cloud.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
    role = local_cloud.role(unique("role"), "states.amazonaws.com", [allow("s3:*", "*")])
    assert local_cloud.run(object_machine(local_cloud, role, bucket))["status"] == "SUCCEEDED"


def test_a_condition_on_the_passed_service_is_honoured(local_cloud: Cloud) -> None:
    job = local_cloud.role(unique("job"), "sagemaker.amazonaws.com", [])
    passing = allow("iam:PassRole", job) | {
        "Condition": {"StringEquals": {"iam:PassedToService": "glue.amazonaws.com"}}
    }
    role = local_cloud.role(unique("role"), "states.amazonaws.com", [allow(["sagemaker:*", "events:*"], "*"), passing])
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createModel",
        "Arguments": {"ModelName": unique("model"), "ExecutionRoleArn": job},
        "End": True,
    }
    arn = local_cloud.machine(unique("machine"), {"StartAt": "Make", "States": {"Make": task}}, role)
    refused = local_cloud.run(arn)
    assert refused["error"] == "SageMaker.AmazonSageMakerException"
    assert f"is not authorized to perform: iam:PassRole on resource: {job}" in refused["cause"]
    assert "Error Code: AccessDeniedException" in refused["cause"]


def test_a_role_that_does_not_trust_step_functions_is_named(local_cloud: Cloud) -> None:
    role = local_cloud.role(unique("role"), "lambda.amazonaws.com", [allow("*", "*")])
    bucket = unique("bucket")
    local_cloud.client("s3").create_bucket(Bucket=bucket)
    refused = local_cloud.run(object_machine(local_cloud, role, bucket))
    assert f"The role {role} does not trust states.amazonaws.com" in refused["cause"]


def test_a_trust_policy_may_name_the_state_machine_that_asks(local_cloud: Cloud) -> None:
    bucket, name = unique("bucket"), unique("role")
    local_cloud.client("s3").create_bucket(Bucket=bucket)
    role = local_cloud.role(name, "states.amazonaws.com", [allow("s3:*", "*")])
    arn = object_machine(local_cloud, role, bucket)
    for source, outcome in ((f"{arn}x", "FAILED"), (ACCOUNT.format("states", "stateMachine:*"), "SUCCEEDED")):
        conditions = {
            "StringEquals": {"aws:SourceAccount": "000000000000"},
            "ArnLike": {"aws:SourceArn": source},
        }
        trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
        document = {"Version": "2012-10-17", "Statement": [{**trust, "Condition": conditions}]}
        local_cloud.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(document))
        assert local_cloud.run(arn)["status"] == outcome


def test_a_permissions_boundary_limits_the_role(local_cloud: Cloud) -> None:
    bucket, name = unique("bucket"), unique("role")
    local_cloud.client("s3").create_bucket(Bucket=bucket)
    role = local_cloud.role(name, "states.amazonaws.com", [allow("s3:*", "*")])
    iam = local_cloud.client("iam")
    document = {"Version": "2012-10-17", "Statement": [allow("s3:GetObject", "*")]}
    boundary = iam.create_policy(PolicyName=unique("boundary"), PolicyDocument=json.dumps(document))["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)
    assert local_cloud.run(object_machine(local_cloud, role, bucket))["error"] == "S3.S3Exception"
