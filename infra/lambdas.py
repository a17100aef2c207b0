"""The functions of the workflow: resolve a request, judge a model, test an endpoint, explain a failure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import endpoints
from infra.access import RUN, UPLOADS, UPLOADS_TO_SCORE, objects, read_failures, use_key
from infra.bundle import FOLDER, RUNTIME, code
from infra.data import Data
from infra.permissions import Permission, acknowledge, role
from infra.settings import Settings
from infra.sources import code_version
from trainyard.run.document import encoded
from trainyard.run.run import Run
from trainyard.run.stage import Stage
from trainyard.serving.examples import EXAMPLES_FILE
from trainyard.stages.explain_failure.job_logs import PROCESSING, TRAINING, glue_groups

TIMEOUT = cdk.Duration.seconds(60)
# A serverless endpoint may start first, and a container has 60 seconds for each answer.
SMOKE_TEST_TIMEOUT = cdk.Duration.minutes(9)
# A little less than the HTTP API waits.
PREDICT_TIMEOUT = cdk.Duration.seconds(29)
MEMORY_MB = 512
SAGEMAKER_LOGS = (*PROCESSING, *TRAINING)


class Functions(Construct):
    """`resolve`, `gate`, `smoke_test`, `explain_failure` and, with the API, `predict`: one package of locked code."""

    def __init__(
        self, scope: Construct, name: str, *, settings: Settings, data: Data, machine_name: str, dead_letters: sqs.Queue
    ) -> None:
        super().__init__(scope, name)
        self._settings = settings
        self._data = data
        self._key = kms.Key.from_key_arn(self, "Key", data.key_arn) if data.key_arn else None
        self._code = code()
        self.resolve = self._function("resolve", self._resolve_permissions())
        self.gate = self._function("gate", self._gate_permissions())
        self.smoke_test = self._function("smoke_test", self._smoke_test_permissions(), timeout=SMOKE_TEST_TIMEOUT)
        self.explain_failure = self._function(
            "explain_failure", self._explain_permissions(machine_name), dead_letters=dead_letters
        )
        self.predict = self._predict() if settings.api else None

    @property
    def by_name(self) -> dict[str, lambda_.Function]:
        """What there is of them, by a reader's name."""
        found = {
            "resolve": self.resolve,
            "gate": self.gate,
            "smoke test": self.smoke_test,
            "explain failure": self.explain_failure,
        }
        return found if self.predict is None else {**found, "predict": self.predict}

    def _predict(self) -> lambda_.Function:
        """What answers the HTTP API; it knows the names of endpoints and nothing else of the workflow."""
        return self._function(
            "predict",
            [endpoints.invoke(self, self._settings.prefix)],
            timeout=PREDICT_TIMEOUT,
            environment={"ENDPOINT_PREFIX": self._settings.prefix},
        )

    def _function(
        self,
        module: str,
        permissions: Sequence[Permission],
        *,
        dead_letters: sqs.Queue | None = None,
        timeout: cdk.Duration = TIMEOUT,
        environment: Mapping[str, str] | None = None,
    ) -> lambda_.Function:
        title = module.title().replace("_", "")
        function_name = f"{self._settings.prefix}-{module.replace('_', '-')}"
        log_group = logs.LogGroup(
            self,
            f"{title}Logs",
            log_group_name=f"/aws/lambda/{function_name}",
            retention=self._settings.log_retention,
            encryption_key=self._key,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        function = lambda_.Function(
            self,
            title,
            function_name=function_name,
            handler=f"{FOLDER}.{module}.handler",
            runtime=RUNTIME,
            code=self._code,
            memory_size=MEMORY_MB,
            timeout=timeout,
            tracing=lambda_.Tracing.ACTIVE,
            log_group=log_group,
            dead_letter_queue=dead_letters,
            environment=self._environment() if environment is None else dict(environment),
            role=role(
                self,
                f"{title}Role",
                service="lambda.amazonaws.com",
                description=f"Function {module} of the training workflow",
                permissions=[*permissions, *_run_permissions(log_group, dead_letters)],
            ),
        )
        acknowledge(
            function, "L1", reason="The newest Python that this code is tested on; a newer one comes with its tests."
        )
        return function

    def _environment(self) -> dict[str, str]:
        return {
            "RAW_BUCKET": self._data.raw_bucket,
            "ARTIFACTS_BUCKET": self._data.artifacts_bucket,
            "LEDGER_TABLE": self._data.ledger_table,
            "TOPIC_ARN": self._data.topic_arn,
            "CODE_VERSION": code_version(),
            "TAGS": json.dumps(self._settings.tags),
            "SETTLING_SECONDS": str(self._settings.settling_seconds),
            "POLICY": json.dumps(encoded(self._settings.policy), separators=(",", ":")),
            "JOB_DEFAULTS": json.dumps({stage: dict(job) for stage, job in self._settings.jobs.items()}),
        }

    def _resolve_permissions(self) -> list[Permission]:
        return [
            Permission(
                sid="ListUploads",
                actions=["s3:ListBucket", "s3:ListBucketVersions"],
                resources=[self._data.raw_arn],
                conditions={"StringLike": {"s3:prefix": [UPLOADS, UPLOADS_TO_SCORE]}},
            ),
            Permission(
                sid="ReadOverrides",
                actions=["s3:GetObject", "s3:GetObjectVersion"],
                resources=[f"{self._data.raw_arn}/{each}/*/run.json" for each in (UPLOADS, UPLOADS_TO_SCORE)],
                why="Recipes and data sets come and go; of what was uploaded only run.json is read.",
            ),
            Permission(
                sid="WriteRequest",
                actions=["s3:PutObject"],
                resources=[f"{self._data.artifacts_arn}/{RUN}/{Stage.RESOLVE}/{Run.FILE}"],
                why="Recipes and runs come and go; only the request of a run is written.",
            ),
            Permission(
                sid="ClaimVersions",
                actions=["dynamodb:GetItem", "dynamodb:PutItem"],
                resources=[self._data.ledger_arn],
                conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "claim/*"}},
            ),
            *use_key(self._data.key_arn, "s3", "dynamodb"),
        ]

    def _gate_permissions(self) -> list[Permission]:
        return [
            Permission(
                sid="ReadEvaluation",
                actions=["s3:GetObject"],
                resources=objects(self._data.artifacts_arn, Stage.RESOLVE, Stage.EVALUATE),
                why="Recipes and runs come and go; only requests and evaluations are read.",
            ),
            Permission(
                sid="WriteDecision",
                actions=["s3:PutObject"],
                resources=objects(self._data.artifacts_arn, Stage.GATE),
                why="Recipes and runs come and go; only decisions are written.",
            ),
            *use_key(self._data.key_arn, "s3"),
        ]

    def _smoke_test_permissions(self) -> list[Permission]:
        return [
            Permission(
                sid="ReadExamples",
                actions=["s3:GetObject"],
                resources=[f"{self._data.artifacts_arn}/{RUN}/{Stage.EVALUATE}/{EXAMPLES_FILE}"],
                why="Recipes and runs come and go; only the examples kept with a model are read.",
            ),
            endpoints.invoke(self, self._settings.prefix),
            *use_key(self._data.key_arn, "s3"),
        ]

    def _explain_permissions(self, machine_name: str) -> list[Permission]:
        stack = cdk.Stack.of(self)
        return [
            Permission(
                sid="ReadHistory",
                actions=["states:DescribeStateMachineForExecution", "states:GetExecutionHistory"],
                resources=[
                    stack.format_arn(
                        service="states",
                        resource="execution",
                        resource_name=f"{machine_name}:*",
                        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                    )
                ],
                why="Executions come and go; only those of this machine are read.",
            ),
            Permission(
                sid="ReadDeployedMachine",
                actions=["states:DescribeStateMachine"],
                resources=[
                    stack.format_arn(
                        service="states",
                        resource="stateMachine",
                        resource_name=machine_name,
                        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
                    )
                ],
            ),
            read_failures(self._data.artifacts_arn),
            *self._read_job_logs(),
            Permission(sid="TellPeople", actions=["sns:Publish"], resources=[self._data.topic_arn]),
            Permission(
                sid="TellOnce",
                actions=["dynamodb:GetItem", "dynamodb:PutItem"],
                resources=[self._data.ledger_arn],
                conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "told/*"}},
            ),
            *use_key(self._data.key_arn, "s3", "sns", "dynamodb"),
        ]

    def _read_job_logs(self) -> list[Permission]:
        return [
            Permission(
                sid="ReadJobLogs",
                actions=["logs:GetLogEvents"],
                resources=[
                    *self._log_groups(*(f"{each}:log-stream:{self._settings.job_prefix}*" for each in SAGEMAKER_LOGS)),
                    *self._log_groups(*(f"{each}:*" for each in self._glue_logs())),
                ],
                why="Log streams are named after jobs, which come and go; those of other environments stay shut.",
            ),
            Permission(
                sid="ListJobLogs",
                actions=["logs:DescribeLogStreams"],
                resources=self._log_groups(*(f"{each}:*" for each in (*SAGEMAKER_LOGS, *self._glue_logs()))),
                why="The names of streams can be listed by group only.",
            ),
        ]

    def _glue_logs(self) -> list[str]:
        stages = (Stage.INGEST, Stage.PREPARE, Stage.REGISTER)
        return [group for each in stages for group in glue_groups(f"{self._settings.prefix}-{each}")]

    def _log_groups(self, *names: str) -> list[str]:
        stack, form = cdk.Stack.of(self), cdk.ArnFormat.COLON_RESOURCE_NAME
        return [
            stack.format_arn(service="logs", resource="log-group", resource_name=each, arn_format=form)
            for each in names
        ]


def _run_permissions(log_group: logs.LogGroup, dead_letters: sqs.Queue | None) -> list[Permission]:
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
