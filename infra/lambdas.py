"""The functions of the workflow: resolve a request, reuse a stage, judge a model, test an endpoint, explain."""

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

from infra import endpoints, function_permissions, stage_reuse, tidy_up
from infra.access import use_key
from infra.bundle import FOLDER, RUNTIME, code
from infra.data import Data
from infra.permissions import Permission, acknowledge, role
from infra.settings import Settings
from infra.sources import code_version
from trainyard.run.document import encoded

TIMEOUT = cdk.Duration.seconds(60)
# A serverless endpoint may start first, and a container has 60 seconds for each answer.
SMOKE_TEST_TIMEOUT = cdk.Duration.minutes(9)
# Less than a sixth of the time after which the queue hands the message out again, as AWS advises.
WEBHOOK_TIMEOUT = cdk.Duration.seconds(30)
# As long as a function may take: it lists all objects, and what it leaves is there tomorrow.
TIDY_UP_TIMEOUT = cdk.Duration.minutes(15)
# As long as a function may take: what it copies may be large, and what it has not copied then is computed.
REUSE_TIMEOUT = cdk.Duration.minutes(15)
# A little less than the HTTP API waits.
PREDICT_TIMEOUT = cdk.Duration.seconds(29)
MEMORY_MB = 512


class Functions(Construct):
    """`resolve`, `reuse`, `gate`, `smoke_test`, `explain_failure`, `tidy_up`; by setting `predict`, `chat`, `webhook`.

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
        self.resolve = self._function("resolve", function_permissions.resolve(self, settings=settings, data=data))
        self.reuse = self._function(
            "reuse",
            stage_reuse.permissions(self, data=data, machine_name=machine_name),
            timeout=REUSE_TIMEOUT,
        )
        self.gate = self._function("gate", function_permissions.gate(data))
        self.smoke_test = self._function(
            "smoke_test",
            function_permissions.smoke_test(self, settings=settings, data=data),
            timeout=SMOKE_TEST_TIMEOUT,
        )
        self.compare_scores = self._function("compare_scores", function_permissions.compare_scores(settings, data))
        self.explain_failure = self._function(
            "explain_failure",
            function_permissions.explain_failure(
                self,
                settings=settings,
                data=data,
                machine_name=machine_name,
                machine_arn=self._machine_arn(machine_name),
            ),
            dead_letters=dead_letters,
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
            "reuse": self.reuse,
            "gate": self.gate,
            "compare scores": self.compare_scores,
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
                permissions=[*permissions, *function_permissions.run(log_group, dead_letters)],
            ),
        )
        acknowledge(
            function, "L1", reason="The newest Python that this code is tested on; a newer one comes with its tests."
        )
        return function

    def _environment(self) -> dict[str, str]:
        rules = self._settings.capture
        return {
            "RAW_BUCKET": self._data.raw_bucket,
            "ARTIFACTS_BUCKET": self._data.artifacts_bucket,
            "LEDGER_TABLE": self._data.ledger_table,
            "TOPIC_ARN": self._data.topic_arn,
            "CODE_VERSION": code_version(),
            "PREFIX": self._settings.prefix,
            "TAGS": json.dumps(self._settings.tags),
            "SETTLING_SECONDS": str(self._settings.settling_seconds),
            "GPU": str(self._settings.gpu).lower(),
            "APPROVAL": self._settings.approval,
            "POLICY": json.dumps(encoded(self._settings.policy), separators=(",", ":")),
            "JOB_DEFAULTS": json.dumps({stage: dict(job) for stage, job in self._settings.jobs.items()}),
            **({} if rules is None else {"CAPTURE": json.dumps(encoded(rules), separators=(",", ":"))}),
        }
