"""The ledger: one table that remembers which execution claimed which object versions, and each recipe's champion."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.settings import Settings
from trainyard.run.ledger import EXPIRES


def ledger(scope: Construct, *, settings: Settings, key: kms.IKey | None) -> dynamodb.Table:
    """Items `claim/<recipe>/<fingerprint>`, `champion/<model>`, `told/<end of an execution>` and `stage/...`.

    All go when nothing asks for them any more, but champions, which stay. A table that a failed first deployment leaves
    is empty and has a name of its own: plain RETAIN, for its protection would refuse the deletion.
    """
    return dynamodb.Table(
        scope,
        "Ledger",
        partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED if key else dynamodb.TableEncryption.AWS_MANAGED,
        encryption_key=key,
        time_to_live_attribute=EXPIRES,
        deletion_protection=settings.retain_data,
        removal_policy=cdk.RemovalPolicy.RETAIN if settings.retain_data else cdk.RemovalPolicy.DESTROY,
    )
