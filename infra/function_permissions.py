"""What each function of the workflow may do, and why; those of the daily tidying are in infra/tidy_up.py."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import endpoints
from infra.access import RUN, TRUTH, UPLOADS, UPLOADS_TO_SCORE, objects, read_failures, use_key
from infra.catalogue import database_name
from infra.data import Data
from infra.permissions import Permission, executions_of
from infra.settings import Settings
from trainyard.run.documents import Comparison, ScoreSummary
from trainyard.run.folders import QUERIES_PREFIX
from trainyard.run.ledger import CHAMPION
from trainyard.run.run import Run
from trainyard.run.stage import Stage
from trainyard.run.watch import capture
from trainyard.run.watch.drift import DataDrift
from trainyard.run.watch.drift_check import MANIFEST_FILE, DriftCheck
from trainyard.run.watch.metrics import namespace
from trainyard.run.watch.profile import AnswerProfile, DataProfile
from trainyard.serving.examples import EXAMPLES_FILE
from trainyard.stages.explain_failure.job_logs import PROCESSING, TRAINING, glue_groups
from trainyard.stages.score.retraining import RETRAINING

SAGEMAKER_LOGS = (*PROCESSING, *TRAINING)


def resolve(scope: Construct, *, settings: Settings, data: Data) -> list[Permission]:
    """What Resolve reads of uploads and decisions, and what it writes."""
    return [
        Permission(
            sid="ListUploads",
            actions=["s3:ListBucket", "s3:ListBucketVersions"],
            resources=[data.raw_arn],
            conditions={"StringLike": {"s3:prefix": [UPLOADS, UPLOADS_TO_SCORE, TRUTH]}},
        ),
        Permission(
            sid="ReadOverrides",
            actions=["s3:GetObject", "s3:GetObjectVersion"],
            resources=[f"{data.raw_arn}/{each}/*/run.json" for each in (UPLOADS, UPLOADS_TO_SCORE, TRUTH)],
            why="Recipes and data sets come and go; of what was uploaded only run.json is read.",
        ),
        Permission(
            sid="WriteRequest",
            actions=["s3:PutObject"],
            resources=[
                f"{data.artifacts_arn}/{RUN}/{Stage.RESOLVE}/{each}"
                for each in (Run.FILE, DriftCheck.FILE, MANIFEST_FILE)
            ],
            why="Recipes and runs come and go; only the request of a run is written, and what a check looks at.",
        ),
        Permission(
            sid="ClaimVersions",
            actions=["dynamodb:GetItem", "dynamodb:PutItem"],
            resources=[data.ledger_arn],
            conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "claim/*"}},
        ),
        *_decisions(scope, settings=settings, data=data),
        *(_checks(scope, settings=settings, data=data) if settings.capture else []),
        *use_key(data.key_arn, "s3", "dynamodb"),
    ]


def _decisions(scope: Construct, *, settings: Settings, data: Data) -> list[Permission]:
    """What Resolve looks at when a person has approved or rejected a registered version."""
    return [
        Permission(
            sid="ReadRun",
            actions=["s3:GetObject"],
            resources=[
                f"{data.artifacts_arn}/{RUN}/{Stage.RESOLVE}/{Run.FILE}",
                f"{data.artifacts_arn}/{RUN}/{Stage.EVALUATE}/{Comparison.FILE}",
            ],
            why="Recipes and runs come and go; only the request of a run and its evaluation are read.",
        ),
        Permission(
            sid="ReadChampion",
            actions=["dynamodb:GetItem"],
            resources=[data.ledger_arn],
            conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": f"{CHAMPION}*"}},
        ),
        Permission(
            sid="ReadVersions",
            actions=["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"],
            resources=[
                cdk.Stack.of(scope).format_arn(
                    service="sagemaker",
                    resource=resource,
                    resource_name=f"{settings.prefix}-{name}",
                )
                for resource, name in (("model-package-group", "*"), ("model-package", "*/*"))
            ],
            why="Versions are numbered by the registry; recipes and the names that people give come and go.",
        ),
        Permission(
            sid="SeeEndpoints",
            actions=["sagemaker:DescribeEndpoint"],
            resources=[endpoints.endpoint_arn(scope, settings.prefix)],
            why=endpoints.NAMED_AFTER_MODELS,
        ),
        Permission(
            sid="SeeWhatCarriesEndpoints",
            actions=["sagemaker:DescribeEndpointConfig"],
            resources=[endpoints.configuration_arn(scope, settings.prefix)],
            why=endpoints.NAMED_AFTER_MODELS,
        ),
    ]


def _checks(scope: Construct, *, settings: Settings, data: Data) -> list[Permission]:
    """What Resolve looks at for a check of requests: the model in service, what it learned from, and what was kept."""
    return [
        Permission(
            sid="SeeModelInService",
            actions=["sagemaker:DescribeModel"],
            resources=[
                cdk.Stack.of(scope).format_arn(
                    service="sagemaker", resource="model", resource_name=f"{settings.job_prefix}model-*"
                )
            ],
            why="Models are named by the state machine; project and environment are spelt out.",
        ),
        Permission(
            sid="ReadProfiles",
            actions=["s3:GetObject"],
            resources=[
                f"{data.artifacts_arn}/{RUN}/{Stage.INGEST}/{DataProfile.FILE}",
                f"{data.artifacts_arn}/{RUN}/{Stage.EVALUATE}/{AnswerProfile.FILE}",
            ],
            why="Recipes and runs come and go; of data and answers only the profiles are read.",
        ),
        # It lists kept requests; and without it S3 calls a profile that is not there forbidden.
        Permission(sid="ListRequests", actions=["s3:ListBucket"], resources=[data.artifacts_arn]),
    ]


def gate(data: Data) -> list[Permission]:
    """What the gate reads, and its decisions."""
    return [
        Permission(
            sid="ReadEvaluation",
            actions=["s3:GetObject"],
            resources=objects(data.artifacts_arn, Stage.RESOLVE, Stage.EVALUATE),
            why="Recipes and runs come and go; only requests and evaluations are read.",
        ),
        Permission(
            sid="ReadProfiles",
            actions=["s3:GetObject"],
            resources=[f"{data.artifacts_arn}/{RUN}/{Stage.INGEST}/{DataProfile.FILE}"],
            why="Recipes and runs come and go; of their data only the profiles are read.",
        ),
        # Without it S3 calls what is not there forbidden, and champions of an earlier version have no profile.
        Permission(sid="TellWhatIsMissing", actions=["s3:ListBucket"], resources=[data.artifacts_arn]),
        Permission(
            sid="WriteDecision",
            actions=["s3:PutObject"],
            resources=objects(data.artifacts_arn, Stage.GATE),
            why="Recipes and runs come and go; only decisions are written.",
        ),
        *use_key(data.key_arn, "s3"),
    ]


def compare_scores(settings: Settings, data: Data) -> list[Permission]:
    """What is known of scores and of what their model was trained on, what moved, and a retraining that follows."""
    documents = (
        (Stage.RESOLVE, Run.FILE),
        (Stage.INGEST, DataProfile.FILE),
        (Stage.EVALUATE, AnswerProfile.FILE),
        (Stage.SCORE, AnswerProfile.FILE),
        (Stage.SCORE, DataProfile.FILE),
        (Stage.SCORE, ScoreSummary.FILE),
    )
    return [
        Permission(
            sid="ReadProfiles",
            actions=["s3:GetObject"],
            resources=[f"{data.artifacts_arn}/{RUN}/{stage}/{file}" for stage, file in documents],
            why="Recipes and runs come and go; of data and answers only the profiles are read.",
        ),
        # Without it S3 calls what is not there forbidden, and models of an earlier version have no profile.
        Permission(sid="TellWhatIsMissing", actions=["s3:ListBucket"], resources=[data.artifacts_arn]),
        Permission(
            sid="WriteMoves",
            actions=["s3:PutObject"],
            resources=[f"{data.artifacts_arn}/{RUN}/{Stage.SCORE}/{DataDrift.FILE}"],
            why="Recipes and runs come and go; only what moved is written.",
        ),
        Permission(
            sid="SeeNewerUploads",
            actions=["s3:ListBucketVersions"],
            resources=[data.raw_arn],
            conditions={"StringLike": {"s3:prefix": [UPLOADS]}},
        ),
        Permission(
            sid="ClaimRetraining",
            actions=["dynamodb:PutItem"],
            resources=[data.ledger_arn],
            conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": f"{RETRAINING}*"}},
        ),
        Permission(
            sid="MeasureMoves",
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            why="PutMetricData knows no resources; the condition limits it to this environment's own namespaces.",
            conditions={"StringLike": {"cloudwatch:namespace": namespace(settings.prefix, "*")}},
        ),
        *use_key(data.key_arn, "s3", "dynamodb"),
    ]


def smoke_test(scope: Construct, *, settings: Settings, data: Data) -> list[Permission]:
    """The examples kept with a model, and its endpoint; where endpoints keep requests, those too."""
    return [
        *(_read_kept_requests(scope, settings=settings, data=data) if settings.capture else []),
        Permission(
            sid="ReadExamples",
            actions=["s3:GetObject"],
            resources=[f"{data.artifacts_arn}/{RUN}/{Stage.EVALUATE}/{EXAMPLES_FILE}"],
            why="Recipes and runs come and go; only the examples kept with a model are read.",
        ),
        endpoints.invoke(scope, settings.prefix),
        *use_key(data.key_arn, "s3"),
    ]


def _read_kept_requests(scope: Construct, *, settings: Settings, data: Data) -> list[Permission]:
    """Ask Athena for them: it reads files and catalogue, and leaves the answer, with the rights of whoever asks."""
    stack = cdk.Stack.of(scope)
    database = database_name(settings)
    return [
        Permission(
            sid="AskAthena",
            actions=["athena:StartQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults"],
            resources=[stack.format_arn(service="athena", resource="workgroup", resource_name="primary")],
        ),
        Permission(
            sid="FindTable",
            actions=["glue:GetDatabase", "glue:GetTable", "glue:GetPartitions"],
            resources=[
                stack.format_arn(service="glue", resource="catalog"),
                stack.format_arn(service="glue", resource="database", resource_name=database),
                stack.format_arn(service="glue", resource="table", resource_name=f"{database}/{capture.PREFIX}"),
            ],
        ),
        Permission(
            sid="ReadRequests",
            actions=["s3:GetObject"],
            resources=[f"{data.artifacts_arn}/{capture.PREFIX}/*", f"{data.artifacts_arn}/{QUERIES_PREFIX}/*"],
            why="Models, days and queries come and go; only kept requests and what is asked of them is read.",
        ),
        Permission(
            sid="LeaveAnswers",
            actions=["s3:PutObject", "s3:AbortMultipartUpload"],
            resources=[f"{data.artifacts_arn}/{QUERIES_PREFIX}/*"],
            why="Athena names each answer anew; a rule of the bucket takes it away the next day.",
        ),
        Permission(
            sid="ListRequests",
            actions=["s3:GetBucketLocation", "s3:ListBucket"],
            resources=[data.artifacts_arn],
        ),
    ]


def explain_failure(
    scope: Construct, *, settings: Settings, data: Data, machine_name: str, machine_arn: str
) -> list[Permission]:
    """Histories and logs of this environment's executions and jobs, and the topic that people hear of them by."""
    return [
        Permission(
            sid="ReadHistory",
            actions=["states:DescribeStateMachineForExecution", "states:GetExecutionHistory"],
            resources=[executions_of(scope, machine_name)],
            why="Executions come and go; only those of this machine are read.",
        ),
        Permission(
            sid="ReadDeployedMachine",
            actions=["states:DescribeStateMachine"],
            resources=[machine_arn],
        ),
        read_failures(data.artifacts_arn),
        *_read_job_logs(scope, settings),
        Permission(sid="TellPeople", actions=["sns:Publish"], resources=[data.topic_arn]),
        Permission(
            sid="TellOnce",
            actions=["dynamodb:GetItem", "dynamodb:PutItem"],
            resources=[data.ledger_arn],
            conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "told/*"}},
        ),
        *use_key(data.key_arn, "s3", "sns", "dynamodb"),
    ]


def _read_job_logs(scope: Construct, settings: Settings) -> list[Permission]:
    return [
        Permission(
            sid="ReadJobLogs",
            actions=["logs:GetLogEvents"],
            resources=[
                *_log_groups(scope, *(f"{each}:log-stream:{settings.job_prefix}*" for each in SAGEMAKER_LOGS)),
                *_log_groups(scope, *(f"{each}:*" for each in _glue_logs(settings))),
            ],
            why="Log streams are named after jobs, which come and go; those of other environments stay shut.",
        ),
        Permission(
            sid="ListJobLogs",
            actions=["logs:DescribeLogStreams"],
            resources=_log_groups(scope, *(f"{each}:*" for each in (*SAGEMAKER_LOGS, *_glue_logs(settings)))),
            why="The names of streams can be listed by group only.",
        ),
    ]


def _glue_logs(settings: Settings) -> list[str]:
    stages = (Stage.INGEST, Stage.PREPARE, Stage.REGISTER)
    return [group for each in stages for group in glue_groups(f"{settings.prefix}-{each}")]


def _log_groups(scope: Construct, *names: str) -> list[str]:
    stack, form = cdk.Stack.of(scope), cdk.ArnFormat.COLON_RESOURCE_NAME
    return [
        stack.format_arn(service="logs", resource="log-group", resource_name=each, arn_format=form) for each in names
    ]


def run(log_group: logs.LogGroup, dead_letters: sqs.Queue | None) -> list[Permission]:
    """What every function needs to run: its log, traces, and where events go that it could not take."""
    permissions = [
        Permission(
            sid="WriteLogs",
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[log_group.log_group_arn],
        ),
        Permission(
            sid="Trace",
            actions=["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
            resources=["*"],
            why="X-Ray's write calls know no resources.",
        ),
    ]
    if dead_letters:
        permissions.append(
            Permission(sid="KeepLostEvents", actions=["sqs:SendMessage"], resources=[dead_letters.queue_arn])
        )
    return permissions
