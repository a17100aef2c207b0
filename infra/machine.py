"""The state machine: the definition from `state_machines/`, filled in, and the role that holds what its states do."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.access import RUN, use_key
from infra.data import Data
from infra.glue import GlueJobs
from infra.images import Images
from infra.jobs import SERVICE, JobRoles
from infra.lambdas import Functions
from infra.permissions import Permission, role
from infra.registry import Registry
from infra.settings import Settings
from infra.sources import ROOT
from trainyard.stages import Stage

DEFINITION = ROOT / "state_machines" / "training.asl.json"
# Kinds of jobs: API noun, its ARN's resource, how the machine begins their names, the rule by which `.sync` waits.
JOBS = (
    ("ProcessingJob", "processing-job", ("process-", "analyse-", "evaluate-", "report-"), "Processing"),
    ("TrainingJob", "training-job", ("train-",), "Training"),
    ("HyperParameterTuningJob", "hyper-parameter-tuning-job", ("tune-",), "Tuning"),
)
NAMED_BY_MACHINE = "The state machine mints the names of jobs and models; only its own prefixes are allowed."


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Everything the machine's states call."""

    data: Data
    images: Images
    roles: JobRoles
    glue: GlueJobs
    functions: Functions
    registry: Registry


def machine_name(settings: Settings) -> str:
    """Known before the machine exists, so that the function that explains failures can be limited to it."""
    return f"{settings.prefix}-training"


class Machine(Construct):
    """`machine`, with tracing, complete logs, and a role that has what the definition needs and no more."""

    def __init__(self, scope: Construct, name: str, *, settings: Settings, parts: Parts) -> None:
        super().__init__(scope, name)
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/vendedlogs/states/{machine_name(settings)}",
            retention=settings.log_retention,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.machine = sfn.StateMachine(
            self,
            "Training",
            state_machine_name=machine_name(settings),
            definition_body=sfn.DefinitionBody.from_string(DEFINITION.read_text(encoding="utf-8")),
            definition_substitutions=substitutions(settings, parts),
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=True),
            tracing_enabled=True,
            role=self._role(parts),
        )

    def _role(self, parts: Parts) -> iam.IRole:
        return role(
            self,
            "Role",
            service="states.amazonaws.com",
            description="The training workflow's state machine",
            permissions=[
                *self._call_functions_and_jobs(parts),
                *self._call_sagemaker(parts),
                *self._keep_records(parts.data),
                *OBSERVE,
            ],
        )

    def _call_functions_and_jobs(self, parts: Parts) -> list[Permission]:
        glue_jobs = (parts.glue.ingest, parts.glue.prepare)
        return [
            Permission(
                sid="CallFunctions",
                actions=["lambda:InvokeFunction"],
                resources=[parts.functions.resolve.function_arn, parts.functions.gate.function_arn],
            ),
            Permission(
                sid="RunGlueJobs",
                actions=["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"],
                resources=[each.job_arn for each in glue_jobs],
            ),
            Permission(
                sid="ReadQuality",
                actions=["s3:GetObject"],
                resources=[f"{parts.data.artifacts_arn}/{RUN}/{Stage.INGEST}/quality.json"],
                why="Recipes and runs come and go; only the verdict on the data is read.",
            ),
        ]

    def _call_sagemaker(self, parts: Parts) -> list[Permission]:
        models = self._arns("model", "model-*")
        return [
            *(self._run_jobs(noun, resource, names) for noun, resource, names, _ in JOBS),
            Permission(
                sid="DescribeBestJob",
                actions=["sagemaker:DescribeTrainingJob"],
                resources=self._arns("training-job", "tune-*"),
                why="A tuning job's training jobs are named after it.",
            ),
            Permission(
                sid="CreateModels",
                actions=["sagemaker:CreateModel", "sagemaker:AddTags"],
                resources=models,
                why=NAMED_BY_MACHINE,
            ),
            Permission(
                sid="RegisterModels",
                actions=["sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage"],
                resources=[
                    *self._arns("model-package-group", *parts.registry.groups),
                    *self._arns("model-package", *(f"{each}/*" for each in parts.registry.groups)),
                ],
                why="Versions are numbered by the registry; the groups are spelt out.",
            ),
            Permission(
                sid="HandRolesToJobs",
                actions=["iam:PassRole"],
                resources=[each.role_arn for each in parts.roles.all],
                conditions={"StringEquals": {"iam:PassedToService": SERVICE}},
            ),
            Permission(
                sid="WaitForJobs",
                actions=["events:PutTargets", "events:PutRule", "events:DescribeRule"],
                resources=[
                    cdk.Stack.of(self).format_arn(
                        service="events",
                        resource="rule",
                        resource_name=f"StepFunctionsGetEventsForSageMaker{each}JobsRule",
                    )
                    for *_, each in JOBS
                ],
            ),
        ]

    def _run_jobs(self, noun: str, resource: str, names: tuple[str, ...]) -> Permission:
        verbs = [f"sagemaker:{verb}{noun}" for verb in ("Create", "Describe", "Stop")]
        return Permission(
            sid=f"Run{noun}s",
            actions=[*verbs, "sagemaker:AddTags", "sagemaker:ListTags"],
            resources=self._arns(resource, *(f"{each}*" for each in names)),
            why=NAMED_BY_MACHINE,
        )

    def _keep_records(self, data: Data) -> list[Permission]:
        return [
            Permission(
                sid="MoveChampion",
                actions=["dynamodb:GetItem", "dynamodb:PutItem"],
                resources=[data.ledger_arn],
                conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "champion/*"}},
            ),
            Permission(sid="TellPeople", actions=["sns:Publish"], resources=[data.topic_arn]),
            *use_key(data.key_arn, "s3", "dynamodb", "sns"),
        ]

    def _arns(self, resource: str, *names: str) -> list[str]:
        stack = cdk.Stack.of(self)
        return [stack.format_arn(service="sagemaker", resource=resource, resource_name=each) for each in names]


OBSERVE = (
    Permission(
        sid="DeliverLogs",
        actions=[
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
        ],
        resources=["*"],
        why="The log delivery calls know no resources.",
    ),
    Permission(
        sid="Trace",
        actions=[
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:PutTelemetryRecords",
            "xray:PutTraceSegments",
        ],
        resources=["*"],
        why="X-Ray's calls know no resources.",
    ),
)


def substitutions(settings: Settings, parts: Parts) -> dict[str, str]:
    """A value for every `${...}` of the definition."""
    return {
        "ResolveFunctionArn": parts.functions.resolve.function_arn,
        "GateFunctionArn": parts.functions.gate.function_arn,
        "IngestJobName": parts.glue.ingest.job_name,
        "PrepareJobName": parts.glue.prepare.job_name,
        "ProcessingImageUri": parts.images.processing.image_uri,
        "TrainingImageUri": parts.images.training.image_uri,
        "ProcessRoleArn": parts.roles.process.role_arn,
        "TrainRoleArn": parts.roles.train.role_arn,
        "EvaluateRoleArn": parts.roles.evaluate.role_arn,
        "ReportRoleArn": parts.roles.report.role_arn,
        "AnalyseRoleArn": parts.roles.analyse.role_arn,
        "ModelRoleArn": parts.roles.model.role_arn,
        "ArtifactsBucket": parts.data.artifacts_bucket,
        "LedgerTable": parts.data.ledger_table,
        "TopicArn": parts.data.topic_arn,
        "GroupPrefix": parts.registry.group_prefix,
        "UseSpot": str(settings.use_spot).lower(),
    }
