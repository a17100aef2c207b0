"""Lets stacks of an environment that keeps no data be deleted with all that is in their buckets and model groups.

CloudFormation deletes neither a bucket with objects nor a group with versions. Where data is kept, nothing of this is
deployed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.bundle import FOLDER, RUNTIME, code
from infra.permissions import Permission, acknowledge, role
from infra.settings import Settings

# As long as a function may take.
TIMEOUT = cdk.Duration.minutes(15)
MEMORY_MB = 256
RESOURCE_TYPE = "Custom::Contents"


class Emptying(Construct):
    """The function that CloudFormation calls, and a resource whose deletion empties `buckets`."""

    def __init__(self, scope: Construct, name: str, *, settings: Settings, buckets: Sequence[s3.Bucket]) -> None:
        super().__init__(scope, name)
        self._settings = settings
        function_name = f"{settings.prefix}-empty"
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/lambda/{function_name}",
            retention=settings.log_retention,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        function = lambda_.Function(
            self,
            "Function",
            function_name=function_name,
            handler=f"{FOLDER}.empty.handler",
            runtime=RUNTIME,
            code=code(),
            memory_size=MEMORY_MB,
            timeout=TIMEOUT,
            log_group=log_group,
            role=role(
                self,
                "Role",
                service="lambda.amazonaws.com",
                description="Empties what a deleted stack leaves",
                permissions=self._permissions(buckets, log_group),
            ),
        )
        acknowledge(
            function, "L1", reason="The newest Python that this code is tested on; a newer one comes with its tests."
        )
        self.function_arn = function.function_arn
        made = contents(self, function_arn=self.function_arn, what={"Buckets": [each.bucket_name for each in buckets]})
        # Deleted, and so emptied, before any of them.
        made.node.add_dependency(log_group, *buckets)

    def _permissions(self, buckets: Sequence[s3.Bucket], log_group: logs.LogGroup) -> list[Permission]:
        stack, prefix = cdk.Stack.of(self), self._settings.prefix

        def of_registry(resource: str, *, name: str) -> str:
            return stack.format_arn(service="sagemaker", resource=resource, resource_name=name)

        return [
            Permission(
                sid="SeeWhetherStackIsDeleted",
                actions=["cloudformation:DescribeStacks"],
                resources=[
                    stack.format_arn(service="cloudformation", resource="stack", resource_name=f"{prefix}-{each}/*")
                    for each in ("data", "workflow")
                ],
                why="The ARN of a stack ends in a number that nobody knows before.",
            ),
            Permission(
                sid="EmptyBuckets",
                actions=["s3:DeleteObject", "s3:DeleteObjectVersion"],
                resources=[each.arn_for_objects("*") for each in buckets],
                why="Everything in the environment's own buckets goes with them.",
            ),
            Permission(
                sid="CloseBuckets",
                actions=["s3:GetBucketPolicy", "s3:ListBucketVersions", "s3:PutBucketPolicy"],
                resources=[each.bucket_arn for each in buckets],
            ),
            Permission(
                sid="EmptyGroups",
                actions=["sagemaker:DeleteModelPackage", "sagemaker:ListModelPackages"],
                resources=[
                    of_registry("model-package-group", name=f"{prefix}-*"),
                    of_registry("model-package", name=f"{prefix}-*/*"),
                ],
                why="Groups are named after recipes, which come and go; versions are numbered by the registry.",
            ),
            Permission(
                sid="WriteLogs",
                actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                resources=[log_group.log_group_arn],
            ),
        ]


def contents(scope: Construct, *, function_arn: str, what: Mapping[str, Sequence[str]]) -> cdk.CustomResource:
    """A resource that is deleted by emptying `what`: `Buckets` and `Groups`, by name."""
    return cdk.CustomResource(
        scope,
        "Contents",
        service_token=function_arn,
        resource_type=RESOURCE_TYPE,
        properties=what,
        service_timeout=TIMEOUT,
    )
