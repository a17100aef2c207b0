"""The buckets: raw (what people upload), artifacts (what runs make) and the access logs of both."""

from __future__ import annotations

from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.removal import keep
from infra.settings import Settings
from trainyard.run.folders import QUERIES_PREFIX
from trainyard.run.watch.capture import PREFIX as CAPTURED

KEEP_OLD_VERSIONS = cdk.Duration.days(90)
KEEP_ACCESS_LOGS = cdk.Duration.days(365)
KEEP_AT_HAND = cdk.Duration.days(30)
GIVE_UP_UPLOADS = cdk.Duration.days(7)
ONE_DAY = cdk.Duration.days(1)


class Storage(Construct):
    """Three private, encrypted buckets with generated names; uploads to `raw` become EventBridge events."""

    def __init__(self, scope: Construct, name: str, *, settings: Settings, key: kms.IKey | None) -> None:
        super().__init__(scope, name)
        self._settings = settings
        self._key = key
        self._logs = self._access_logs()
        self.raw = self._bucket("Raw")
        self.artifacts = self._bucket("Artifacts", *self._forget_requests())
        # The L2 switch `event_bridge_enabled` would add a custom resource with its own Lambda and role.
        cast(
            s3.CfnBucket, self.raw.node.default_child
        ).notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )

    @property
    def buckets(self) -> tuple[s3.Bucket, ...]:
        """All of them; that of the logs last, for reading and emptying the others is logged."""
        return self.raw, self.artifacts, self._logs

    def _forget_requests(self) -> list[s3.LifecycleRule]:
        """Requests that endpoints keep go after some days, and what queries found in them with the next day.

        So do the versions that were replaced or deleted: what is forgotten is gone.
        """
        rules = self._settings.capture
        kept = {} if rules is None else {CAPTURED: cdk.Duration.days(rules.retention_days), QUERIES_PREFIX: ONE_DAY}
        return [
            s3.LifecycleRule(
                id=f"Forget{prefix.title()}",
                prefix=f"{prefix}/",
                expiration=after,
                noncurrent_version_expiration=ONE_DAY,
            )
            for prefix, after in kept.items()
        ]

    def _bucket(self, name: str, *more: s3.LifecycleRule) -> s3.Bucket:
        return s3.Bucket(
            self,
            name,
            versioned=True,
            encryption=s3.BucketEncryption.KMS if self._key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=self._key,
            bucket_key_enabled=True if self._key else None,
            server_access_logs_bucket=self._logs,
            server_access_logs_prefix=f"{name.lower()}/",
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="TidyUp",
                    noncurrent_version_expiration=KEEP_OLD_VERSIONS,
                    abort_incomplete_multipart_upload_after=GIVE_UP_UPLOADS,
                    expired_object_delete_marker=True,
                    # What nobody reads any more costs less there, and is read as fast.
                    transitions=[
                        s3.Transition(storage_class=s3.StorageClass.INTELLIGENT_TIERING, transition_after=KEEP_AT_HAND)
                    ],
                ),
                *more,
            ],
            **self._private(),
        )

    def _access_logs(self) -> s3.Bucket:
        return s3.Bucket(
            self,
            "AccessLogs",
            encryption=s3.BucketEncryption.S3_MANAGED,  # the log delivery service cannot use a customer's key
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="Expire",
                    expiration=KEEP_ACCESS_LOGS,
                    abort_incomplete_multipart_upload_after=GIVE_UP_UPLOADS,
                )
            ],
            **self._private(),
        )

    def _private(self) -> dict[str, Any]:
        return {
            "enforce_ssl": True,
            "block_public_access": s3.BlockPublicAccess.BLOCK_ALL,
            "object_ownership": s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            "removal_policy": keep(self._settings),
        }
