"""The role of the state machine: what its states call, spelt out, and no more."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra import endpoints
from infra.access import RUN, use_key
from infra.data import Data
from infra.glue import GlueJobs
from infra.images import Images
from infra.jobs import SERVICE, JobRoles
from infra.lambdas import Functions
from infra.permissions import Permission, executions_of, role
from infra.registry import Registry
from trainyard.contract.quality import QUALITY_FILE
from trainyard.run.documents import Children, ScoreSummary
from trainyard.run.files import MODEL_CARD_FILE
from trainyard.run.naming import NAMED
from trainyard.run.stage import Stage
from trainyard.run.watch.observed import ObservedVerdict

# Kinds of jobs: API noun, its ARN's resource, the rule by which `.sync` waits.
JOBS = (
    ("ProcessingJob", "processing-job", "SageMakerProcessingJobs"),
    ("TrainingJob", "training-job", "SageMakerTrainingJobs"),
    ("HyperParameterTuningJob", "hyper-parameter-tuning-job", "SageMakerTuningJobs"),
)
NAMED_BY_MACHINE = "The state machine mints the names of jobs and models; they begin with project and environment."


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Everything the machine's states call."""

    data: Data
    images: Images
    roles: JobRoles
    glue: GlueJobs
    functions: Functions
    registry: Registry


OBSERVE = Permission(
    sid="Observe",
    actions=[
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    ],
    resources=["*"],
    why="The calls of log delivery and of X-Ray know no resources.",
)


def machine_role(scope: Construct, parts: Parts, *, machine_name: str, job_prefix: str) -> iam.IRole:
    """The role, with every permission that the definition needs."""
    return role(
        scope,
        "Role",
        service="states.amazonaws.com",
        description="The training workflow's state machine",
        permissions=[
            *_call_functions_and_jobs(parts),
            *_call_sagemaker(scope, parts, prefix=job_prefix),
            *_start_children(scope, machine_name),
            _wait_for_ends(scope),
            *_catalogue_scores(scope, parts.data),
            *endpoints.deploy(scope, parts.registry.group_prefix.removesuffix("-")),
            *_keep_records(parts.data),
            *_encrypt_volumes(parts.data.key_arn),
            OBSERVE,
        ],
    )


def _call_functions_and_jobs(parts: Parts) -> list[Permission]:
    glue_jobs = (parts.glue.ingest, parts.glue.prepare, parts.glue.register)
    return [
        Permission(
            sid="CallFunctions",
            actions=["lambda:InvokeFunction"],
            resources=[
                f"{each.function_arn}:*"
                for each in (
                    parts.functions.resolve,
                    parts.functions.reuse,
                    parts.functions.gate,
                    parts.functions.compare_scores,
                    parts.functions.smoke_test,
                )
            ],
            why="Every deployment publishes versions of them, and an execution calls those that it began with.",
        ),
        Permission(
            sid="RunGlueJobs",
            actions=["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"],
            resources=[each.job_arn for each in glue_jobs],
        ),
        Permission(
            sid="ReadSummaries",
            actions=["s3:GetObject"],
            resources=[
                f"{parts.data.artifacts_arn}/{RUN}/{stage}/{file}"
                for stage, file in (
                    (Stage.INGEST, QUALITY_FILE),
                    (Stage.INGEST, Children.FILE),
                    (Stage.SCORE, ScoreSummary.FILE),
                    (Stage.VERIFY, ObservedVerdict.FILE),
                    (Stage.GATE, MODEL_CARD_FILE),
                )
            ],
            why="Recipes and runs come and go; of what stages write, these documents alone are read.",
        ),
    ]


def _start_children(scope: Construct, machine_name: str) -> list[Permission]:
    """Start this very machine again; its ARN is made of its name, for it needs this role before it exists."""
    machine = cdk.Stack.of(scope).format_arn(
        service="states",
        resource="stateMachine",
        resource_name=machine_name,
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )
    return [
        Permission(sid="StartChildren", actions=["states:StartExecution"], resources=[machine]),
        Permission(
            sid="FollowChildren",
            actions=["states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"],
            resources=[executions_of(scope, machine_name)],
            why="Executions come and go; only those of this machine are children.",
        ),
    ]


def _wait_for_ends(scope: Construct) -> Permission:
    """Hear of the ends of jobs and children by the rules that Step Functions makes for itself."""
    stack = cdk.Stack.of(scope)
    return Permission(
        sid="WaitForEnds",
        actions=["events:PutTargets", "events:PutRule", "events:DescribeRule"],
        resources=[
            stack.format_arn(service="events", resource="rule", resource_name=f"StepFunctionsGetEventsFor{each}Rule")
            for each in (*(rule for *_, rule in JOBS), "StepFunctionsExecution")
        ],
    )


def _call_sagemaker(scope: Construct, parts: Parts, *, prefix: str) -> list[Permission]:
    groups = parts.registry.group_prefix
    return [
        _run_jobs(scope, prefix),
        Permission(
            sid="CreateModels",
            actions=["sagemaker:CreateModel", "sagemaker:AddTags"],
            resources=_arns(scope, "model", f"{prefix}model-*"),
            why=NAMED_BY_MACHINE,
        ),
        Permission(
            sid="RegisterModels",
            # A package also names the image that its model was made with; one that lost while it waited is rejected.
            actions=[
                "sagemaker:CreateModelPackage",
                "sagemaker:DescribeModelPackage",
                "sagemaker:UpdateModelPackage",
            ],
            resources=[
                *_arns(scope, "model-package-group", f"{groups}*"),
                *_arns(scope, "model-package", f"{groups}*/*"),
            ],
            why="Versions are numbered by the registry; recipes and the names that people give come and go.",
        ),
        Permission(
            sid="CreateGroups",
            actions=["sagemaker:CreateModelPackageGroup"],
            resources=_arns(scope, "model-package-group", f"{groups}*{NAMED}*"),
            why="People name models of a recipe; what stands before and between recipe and name is spelt out.",
        ),
        Permission(
            sid="HandRolesToJobs",
            actions=["iam:PassRole"],
            resources=[each.role_arn for each in parts.roles.all],
            conditions={"StringEquals": {"iam:PassedToService": SERVICE}},
        ),
    ]


def _run_jobs(scope: Construct, prefix: str) -> Permission:
    """One statement for all kinds: no action of one kind is known to the resources of another."""
    verbs = [f"sagemaker:{verb}{noun}" for noun, *_ in JOBS for verb in ("Create", "Describe", "Stop")]
    return Permission(
        sid="RunJobs",
        actions=[*verbs, "sagemaker:AddTags", "sagemaker:ListTags"],
        resources=[arn for _, resource, _ in JOBS for arn in _arns(scope, resource, f"{prefix}*")],
        why=NAMED_BY_MACHINE,
    )


def _catalogue_scores(scope: Construct, data: Data) -> list[Permission]:
    stack = cdk.Stack.of(scope)
    database = data.scores_database
    return [
        Permission(
            sid="AddPartitions",
            actions=["glue:CreatePartition"],
            resources=[
                stack.format_arn(service="glue", resource="catalog"),
                stack.format_arn(service="glue", resource="database", resource_name=database),
                stack.format_arn(service="glue", resource="table", resource_name=f"{database}/*"),
            ],
            why="One table per recipe, and recipes come and go; the database is spelt out.",
        ),
    ]


def _keep_records(data: Data) -> list[Permission]:
    return [
        Permission(
            sid="MoveChampion",
            actions=["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
            resources=[data.ledger_arn],
            conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "champion/*"}},
        ),
        Permission(sid="TellPeople", actions=["sns:Publish"], resources=[data.topic_arn]),
        *use_key(data.key_arn, "s3", "dynamodb", "sns"),
    ]


def _encrypt_volumes(key_arn: str | None) -> list[Permission]:
    """Let SageMaker use the customer's key for the volumes of the jobs that the machine asks for."""
    if key_arn is None:
        return []
    return [
        Permission(
            sid="EncryptVolumes",
            actions=["kms:CreateGrant"],
            resources=[key_arn],
            conditions={
                "Bool": {"kms:GrantIsForAWSResource": "true"},
                "StringLike": {"kms:ViaService": "sagemaker.*.amazonaws.com"},
            },
        )
    ]


def _arns(scope: Construct, resource: str, *names: str) -> list[str]:
    stack = cdk.Stack.of(scope)
    return [stack.format_arn(service="sagemaker", resource=resource, resource_name=each) for each in names]
