"""The data stack: everything that outlives a deployment of the workflow, and what the workflow may know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.catalogue import Catalogue, database_name
from infra.database import secret, secret_name
from infra.emptying import Emptying
from infra.ledger import ledger
from infra.notifications import chat_topic, signing_secret, signing_secret_name, topic
from infra.removal import keep
from infra.settings import Settings
from infra.storage import Storage


@dataclass(frozen=True, kw_only=True)
class Data:
    """Names and ARNs of the data stack, as the workflow stack imports them."""

    raw_bucket: str
    raw_arn: str
    artifacts_bucket: str
    artifacts_arn: str
    ledger_table: str
    ledger_arn: str
    topic_arn: str
    secret_arn: str
    scores_database: str
    key_arn: str | None
    chat_topic_arn: str | None
    webhook_secret_arn: str | None
    empty_arn: str | None


class DataStack(cdk.Stack):
    """Buckets, ledger, topic, database secret and, where the settings ask for one, the customer's key."""

    def __init__(self, scope: Construct, name: str, *, settings: Settings, **options: Any) -> None:
        super().__init__(scope, name, termination_protection=settings.retain_data, **options)
        key = self._key(settings) if settings.customer_key else None
        storage = Storage(self, "Storage", settings=settings, key=key)
        Catalogue(self, "Catalogue", settings=settings, bucket=storage.artifacts.bucket_name)
        table = ledger(self, settings=settings, key=key)
        made_topic = topic(self, settings=settings, key=key)
        made_secret = secret(self, settings=settings, key=key)
        chat = chat_topic(self, settings=settings, key=key)
        signing = signing_secret(self, settings=settings, key=key)
        empty_arn = self._empty(settings, storage)
        self.data = Data(
            raw_bucket=self._export(storage.raw.bucket_name),
            raw_arn=self._export(storage.raw.bucket_arn),
            artifacts_bucket=self._export(storage.artifacts.bucket_name),
            artifacts_arn=self._export(storage.artifacts.bucket_arn),
            ledger_table=self._export(table.table_name),
            ledger_arn=self._export(table.table_arn),
            topic_arn=self._export(made_topic.topic_arn),
            scores_database=database_name(settings),
            secret_arn=self._export(made_secret.attr_id),
            key_arn=self._export(key.key_arn) if key else None,
            chat_topic_arn=self._export(chat.topic_arn) if chat else None,
            webhook_secret_arn=self._export(signing.attr_id) if signing else None,
            empty_arn=self._export(empty_arn) if empty_arn else None,
        )
        cdk.CfnOutput(self, "RawBucketName", value=storage.raw.bucket_name)
        cdk.CfnOutput(self, "ArtifactsBucketName", value=storage.artifacts.bucket_name)
        cdk.CfnOutput(self, "LedgerTableName", value=table.table_name)
        cdk.CfnOutput(self, "TopicArn", value=made_topic.topic_arn)
        cdk.CfnOutput(self, "DatabaseSecretName", value=secret_name(settings))
        if signing:
            cdk.CfnOutput(self, "WebhookSecretName", value=signing_secret_name(settings))

    def _empty(self, settings: Settings, storage: Storage) -> str | None:
        """What empties the buckets when the stack is deleted, where no data is kept."""
        if settings.retain_data:
            return None
        return Emptying(self, "Emptying", settings=settings, buckets=storage.buckets).function_arn

    def _export(self, value: str) -> str:
        return str(self.export_value(value))

    def _key(self, settings: Settings) -> kms.Key:
        key = kms.Key(
            self,
            "Key",
            alias=settings.prefix,
            enable_key_rotation=True,
            description=f"Data, ledger and notifications of {settings.prefix}",
            removal_policy=keep(settings),
        )
        key.add_to_resource_policy(_encrypt_logs(self, settings))
        return key


def _encrypt_logs(scope: Construct, settings: Settings) -> iam.PolicyStatement:
    """CloudWatch uses the key for the log groups of this environment, and for no others."""
    stack = cdk.Stack.of(scope)
    groups = (
        f"/aws-glue/{settings.prefix}-*",
        f"/aws/lambda/{settings.prefix}-*",
        f"/aws/vendedlogs/*/{settings.prefix}*",
    )
    arns = [
        stack.format_arn(
            service="logs", resource="log-group", resource_name=each, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
        )
        for each in groups
    ]
    return iam.PolicyStatement(
        sid="EncryptLogs",
        principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
        actions=["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
        resources=["*"],  # in a key's policy this means the key itself
        conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": arns}},
    )
