"""The daily tidying: when the function runs, and what it may look at and delete, which is this environment's alone."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import endpoints
from infra.access import LAYOUT, objects, use_key
from infra.data import Data
from infra.jobs import CHECKPOINTS
from infra.permissions import Permission
from infra.settings import Settings
from trainyard.run.stage import Stage
from trainyard.stages.explain_failure.job_logs import PROCESSING, TRAINING
from trainyard.stages.tidy_up.intermediates import DATA
from trainyard.stages.tidy_up.job_logs import ENDPOINTS

EVERY = cdk.Duration.days(1)
NAMED_BY_MACHINE = "The state machine mints these names; they begin with project and environment."
NO_RESOURCES = "Lists of SageMaker know no resources; what is not this environment's is passed over."


def every_day(scope: Construct, function: lambda_.Function, *, dead_letters: sqs.Queue) -> events.Rule:
    """Calls the function once a day."""
    return events.Rule(
        scope,
        "TidyUp",
        description="Removes what no run, model or endpoint needs any more",
        schedule=events.Schedule.rate(EVERY),
        targets=[
            targets.LambdaFunction(function, dead_letter_queue=dead_letters, max_event_age=cdk.Duration.hours(12))
        ],
    )


def permissions(
    scope: Construct, *, settings: Settings, data: Data, machine_arn: str, repository: ecr.IRepository
) -> list[Permission]:
    """What the function needs, by what it tidies."""
    return [
        *_of_objects(data),
        *_of_models(scope, settings),
        *_of_logs(scope, settings),
        *_of_versions(scope, settings, machine_arn=machine_arn),
        Permission(
            sid="RemoveImages",
            actions=["ecr:BatchDeleteImage", "ecr:DescribeImages"],
            resources=[repository.repository_arn],
        ),
        *use_key(data.key_arn, "dynamodb"),
    ]


def _of_objects(data: Data) -> list[Permission]:
    return [
        Permission(sid="ListArtifacts", actions=["s3:ListBucket"], resources=[data.artifacts_arn]),
        Permission(
            sid="RemoveIntermediates",
            actions=["s3:DeleteObject"],
            resources=objects(data.artifacts_arn, *DATA, Stage.TUNE, CHECKPOINTS[0]),
            why=LAYOUT,
        ),
        Permission(sid="SeeChampions", actions=["dynamodb:Scan"], resources=[data.ledger_arn]),
    ]


def _of_models(scope: Construct, settings: Settings) -> list[Permission]:
    def named(resource: str, *, name: str) -> str:
        return cdk.Stack.of(scope).format_arn(service="sagemaker", resource=resource, resource_name=name)

    prefix = settings.prefix
    configurations, models = named("endpoint-config", name=f"{prefix}-*"), named("model", name=f"{prefix}-model-*")
    return [
        Permission(
            sid="ListModels",
            actions=[
                "sagemaker:ListEndpointConfigs",
                "sagemaker:ListEndpoints",
                "sagemaker:ListModelPackageGroups",
                "sagemaker:ListModels",
            ],
            resources=["*"],
            why=NO_RESOURCES,
        ),
        Permission(
            sid="SeeWhatIsNeeded",
            actions=[
                "sagemaker:DescribeEndpoint",
                "sagemaker:DescribeEndpointConfig",
                "sagemaker:DescribeModel",
                "sagemaker:DescribeModelPackage",
                "sagemaker:ListModelPackages",
            ],
            resources=[
                endpoints.endpoint_arn(scope, prefix),
                configurations,
                models,
                named("model-package-group", name=f"{prefix}-*"),
                named("model-package", name=f"{prefix}-*/*"),
            ],
            why=NAMED_BY_MACHINE,
        ),
        Permission(
            sid="RemoveUnused",
            actions=["sagemaker:DeleteEndpointConfig", "sagemaker:DeleteModel"],
            resources=[configurations, models],
            why=NAMED_BY_MACHINE,
        ),
    ]


def _of_versions(scope: Construct, settings: Settings, *, machine_arn: str) -> list[Permission]:
    functions = cdk.Stack.of(scope).format_arn(
        service="lambda",
        resource="function",
        # A version's number: the function itself is not deleted.
        resource_name=f"{settings.prefix}-*:*",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )
    return [
        Permission(
            sid="SeeWhatRuns",
            actions=["states:DescribeStateMachine", "states:ListExecutions", "states:ListStateMachineVersions"],
            resources=[machine_arn, f"{machine_arn}:*"],
            why="Every deployment publishes a version of the machine; only those of this one are looked at.",
        ),
        Permission(
            sid="RemoveVersions",
            actions=["states:DeleteStateMachineVersion"],
            resources=[machine_arn, f"{machine_arn}:*"],
            why="Every deployment publishes a version of the machine; the machine itself cannot be deleted so.",
        ),
        Permission(
            sid="RemoveFunctionVersions",
            actions=["lambda:DeleteFunction"],
            resources=[functions],
            why="Every deployment publishes versions of this environment's functions; the functions stay.",
        ),
    ]


def _of_logs(scope: Construct, settings: Settings) -> list[Permission]:
    def group(name: str) -> str:
        return cdk.Stack.of(scope).format_arn(
            service="logs", resource="log-group", resource_name=name, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
        )

    shared, own = (*PROCESSING, *TRAINING), group(f"{ENDPOINTS}{settings.prefix}-*")
    return [
        Permission(
            sid="ListLogStreams",
            actions=["logs:DescribeLogStreams"],
            # A group is judged by its ARN with the end :* or without it, depending on who judges.
            resources=[*(group(name) for each in shared for name in (each, f"{each}:*")), own],
            why="The names of streams can be listed by group only; those of endpoints are called after models.",
        ),
        Permission(
            sid="RemoveJobLogs",
            actions=["logs:DeleteLogStream"],
            resources=[group(f"{each}:log-stream:{settings.job_prefix}*") for each in shared],
            why="Log streams are named after jobs, which come and go; those of other environments stay shut.",
        ),
        Permission(
            sid="ListEndpointLogs",
            actions=["logs:DescribeLogGroups"],
            resources=["*"],
            why="Log groups are listed by the beginning of their names, which is no resource.",
        ),
        Permission(
            sid="EndEndpointLogs",
            actions=["logs:DeleteLogGroup", "logs:PutRetentionPolicy"],
            resources=[own],
            why="Endpoints are called after models; the environment's prefix is spelt out.",
        ),
    ]
