"""The topic on which people hear about refused data, refused models, new models, failures and alarms."""

from __future__ import annotations

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.permissions import same_account
from infra.settings import Settings

ALARMS = "cloudwatch.amazonaws.com"


def topic(scope: Construct, *, settings: Settings, key: kms.Key | None) -> sns.Topic:
    """The topic, open to CloudWatch's alarms and to the roles that hold `sns:Publish` on it."""
    made = sns.Topic(scope, "Topic", display_name=f"{settings.prefix} workflow", enforce_ssl=True, master_key=key)
    # A topic with a policy of its own loses the default one, which had let alarms in.
    made.add_to_resource_policy(
        iam.PolicyStatement(
            sid="AllowAlarms",
            principals=[iam.ServicePrincipal(ALARMS)],
            actions=["sns:Publish"],
            resources=[made.topic_arn],
            conditions=same_account(scope),
        )
    )
    if key:
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AllowAlarms",
                principals=[iam.ServicePrincipal(ALARMS)],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],  # in a key's policy this means the key itself
                conditions=same_account(scope),
            )
        )
    if settings.alarm_email:
        made.add_subscription(subscriptions.EmailSubscription(settings.alarm_email))
    if settings.alarm_url:
        made.add_subscription(subscriptions.UrlSubscription(settings.alarm_url))
    return made
