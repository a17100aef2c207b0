"""The functions of the workflow: resolve a request, judge a model, test an endpoint, explain a failure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import endpoints, tidy_up
from infra.access import RUN, UPLOADS, UPLOADS_TO_SCORE, objects, read_failures, use_key
from infra.bundle import FOLDER, RUNTIME, code
from infra.data import Data
from infra.permissions import Permission, acknowledge, role
from infra.settings import Settings
from infra.sources import code_version
from trainyard.run.document import encoded
from trainyard.run.documents import Comparison
from trainyard.run.ledger import CHAMPION
from trainyard.run.run import Run
from trainyard.run.stage import Stage
from trainyard.serving.examples import EXAMPLES_FILE
from trainyard.stages.explain_failure.job_logs import PROCESSING, TRAINING, glue_groups

TIMEOUT = cdk.Duration.seconds(60)
# A serverless endpoint may start first, and a container has 60 seconds for each answer.
SMOKE_TEST_TIMEOUT = cdk.Duration.minutes(9)
# Less than a sixth of the time after which the queue hands the message out again, as AWS advises.
WEBHOOK_TIMEOUT = cdk.Duration.seconds(30)
# As long as a function may take: it lists all objects, and what it leaves is there tomorrow.
TIDY_UP_TIMEOUT = cdk.Duration.minutes(15)
# A little less than the HTTP API waits.
PREDICT_TIMEOUT = cdk.Duration.seconds(29)
MEMORY_MB = 512
SAGEMAKER_LOGS = (*PROCESSING, *TRAINING)


class Functions(Construct):
    """`resolve`, `gate`, `smoke_test`, `explain_failure`, `tidy_up`, and by setting `predict`, `chat` and `webhook`.

    They are one package of locked code. Messages to the webhook wait in `webhook_queue`.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        settings: Settings,
        data: Data,
        machine_name: str,
        dead_letters: sqs.Queue,
        image_repository: ecr.IRepository,
        webhook_queue: sqs.Queue | None = None,
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
        self.tidy_up = self._tidy_up(machine_name, dead_letters=dead_letters, repository=image_repository)
        self.predict = self._predict() if settings.api else None
        self.chat = self._chat(data.chat_topic_arn, dead_letters) if data.chat_topic_arn else None
        self.webhook = self._webhook(data.webhook_secret_arn, webhook_queue) if webhook_queue else None

    @property
    def by_name(self) -> dict[str, lambda_.Function]:
        """What there is of them, by a reader's name."""
        found = {
            "resolve": self.resolve,
            "gate": self.gate,
            "smoke test": self.smoke_test,
            "explain failure": self.explain_failure,
            "tidy up": self.tidy_up,
        }
        by_setting = {"predict": self.predict, "chat": self.chat, "webhook": self.webhook}
        return {**found, **{name: each for name, each in by_setting.items() if each is not None}}

    def _predict(self) -> lambda_.Function:
        """What answers the HTTP API; it knows the names of endpoints and nothing else of the workflow."""
        return self._function(
            "predict",
            [endpoints.invoke(self, self._settings.prefix)],
            timeout=PREDICT_TIMEOUT,
            environment={"ENDPOINT_PREFIX": self._settings.prefix},
        )

    def _tidy_up(self, machine_name: str, *, dead_letters: sqs.Queue, repository: ecr.IRepository) -> lambda_.Function:
        """What removes what nothing needs any more."""
        settings, arn = self._settings, self._machine_arn(machine_name)
        function = self._function(
            "tidy_up",
            tidy_up.permissions(self, settings=settings, data=self._data, machine_arn=arn, repository=repository),
            dead_letters=dead_letters,
            timeout=TIDY_UP_TIMEOUT,
            environment={
                **self._environment(),
                "PREFIX": settings.prefix,
                "MACHINE_ARN": arn,
                "IMAGE_REPOSITORY": repository.repository_name,
                "KEEP_DAYS": str(settings.keep_intermediates_days),
            },
        )
        # The settings name a retention; how many days that is, the CDK says with the log group.
        logs_of_it = cast(logs.CfnLogGroup, function.log_group.node.default_child)
        return function.add_environment("LOG_DAYS", f"{logs_of_it.retention_in_days:g}")

    def _machine_arn(self, machine_name: str) -> str:
        """Made of its name: the machine needs its functions before it exists."""
        return cdk.Stack.of(self).format_arn(
            service="states",
            resource="stateMachine",
            resource_name=machine_name,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )

    def _chat(self, topic_arn: str, dead_letters: sqs.Queue) -> lambda_.Function:
        """What says every message once more, for chat channels."""
        return self._function(
            "chat",
            [
                Permission(sid="TellChannels", actions=["sns:Publish"], resources=[topic_arn]),
                *use_key(self._data.key_arn, "sns"),
            ],
            dead_letters=dead_letters,
            environment={"ENVIRONMENT": self._settings.name, "CHAT_TOPIC_ARN": topic_arn},
        )

    def _webhook(self, secret_arn: str | None, queue: sqs.Queue) -> lambda_.Function:
        """What posts every message to the address of the settings; the key that signs it is read when it runs."""
        return self._function(
            "webhook",
            [
                Permission(
                    sid="TakeMessages",
                    actions=["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
                    resources=[queue.queue_arn],
                ),
                Permission(
                    sid="ReadSigningKey", actions=["secretsmanager:GetSecretValue"], resources=[str(secret_arn)]
                ),
                *use_key(self._data.key_arn, "secretsmanager"),
            ],
            timeout=WEBHOOK_TIMEOUT,
            environment={
                "ENVIRONMENT": self._settings.name,
                "WEBHOOK_URL": str(self._settings.webhook_url),
                "WEBHOOK_SECRET": str(secret_arn),
            },
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
            # Executions that began with a version call it to their end, and in a redrive.
            current_version_options=lambda_.VersionOptions(removal_policy=cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE),
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
            "GPU": str(self._settings.gpu).lower(),
            "APPROVAL": self._settings.approval,
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
            *self._decision_permissions(),
            *use_key(self._data.key_arn, "s3", "dynamodb"),
        ]

    def _decision_permissions(self) -> list[Permission]:
        """What Resolve looks at when a person has approved or rejected a registered version."""
        return [
            Permission(
                sid="ReadRun",
                actions=["s3:GetObject"],
                resources=[
                    f"{self._data.artifacts_arn}/{RUN}/{Stage.RESOLVE}/{Run.FILE}",
                    f"{self._data.artifacts_arn}/{RUN}/{Stage.EVALUATE}/{Comparison.FILE}",
                ],
                why="Recipes and runs come and go; only the request of a run and its evaluation are read.",
            ),
            Permission(
                sid="ReadChampion",
                actions=["dynamodb:GetItem"],
                resources=[self._data.ledger_arn],
                conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": f"{CHAMPION}*"}},
            ),
            Permission(
                sid="ReadVersions",
                actions=["sagemaker:DescribeModelPackage", "sagemaker:ListModelPackages"],
                resources=[
                    cdk.Stack.of(self).format_arn(
                        service="sagemaker",
                        resource=resource,
                        resource_name=f"{self._settings.prefix}-{name}",
                    )
                    for resource, name in (("model-package-group", "*"), ("model-package", "*/*"))
                ],
                why="Versions are numbered by the registry; recipes and the names that people give come and go.",
            ),
            Permission(
                sid="SeeEndpoints",
                actions=["sagemaker:DescribeEndpoint"],
                resources=[endpoints.endpoint_arn(self, self._settings.prefix)],
                why=endpoints.NAMED_AFTER_MODELS,
            ),
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
                resources=[self._machine_arn(machine_name)],
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
