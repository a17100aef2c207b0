"""The topic on which people hear about refused data, refused models, new models, failures and alarms.

Beside it, where the settings ask for them, the topic of the chat channels and the key that signs for the webhook.
"""

from __future__ import annotations

import string
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_chatbot as chatbot
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.permissions import acknowledge, same_account
from infra.removal import replaceable
from infra.settings import Settings

ALARMS = "cloudwatch.amazonaws.com"
# Letters and digits of which every four are three bytes of Base64: a key of 33 bytes.
SIGNING_KEY_LETTERS = 44
# A channel may be told things, and nobody in it may ask AWS for anything.
GUARDRAIL = "policy/AWSDenyAll"


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


def chat_topic(scope: Construct, *, settings: Settings, key: kms.Key | None) -> sns.Topic | None:
    """What Slack and Teams show, in the only form that Amazon Q Developer in chat applications shows; None without."""
    if not settings.chat:
        return None
    made = sns.Topic(scope, "ChatTopic", display_name=f"{settings.prefix} in chat", enforce_ssl=True, master_key=key)
    # Without a permission of its own there is nothing that whoever makes the service act could have it do.
    role = iam.Role(
        scope,
        "ChatRole",
        assumed_by=iam.ServicePrincipal("chatbot.amazonaws.com"),
        description="Amazon Q Developer in chat channels, which may do nothing but show messages",
    )
    shared: dict[str, Any] = {
        "configuration_name": settings.prefix,
        "iam_role_arn": role.role_arn,
        "guardrail_policies": [
            cdk.Stack.of(scope).format_arn(service="iam", region="", account="aws", resource=GUARDRAIL)
        ],
        "sns_topic_arns": [made.topic_arn],
    }
    if settings.slack:
        chatbot.CfnSlackChannelConfiguration(
            scope,
            "Slack",
            slack_workspace_id=settings.slack.workspace_id,
            slack_channel_id=settings.slack.channel_id,
            **shared,
        )
    if settings.teams:
        chatbot.CfnMicrosoftTeamsChannelConfiguration(
            scope,
            "Teams",
            teams_tenant_id=settings.teams.tenant_id,
            team_id=settings.teams.team_id,
            teams_channel_id=settings.teams.channel_id,
            **shared,
        )
    return made


def signing_secret_name(settings: Settings) -> str:
    """Under which name the receiver's owner finds the key."""
    return f"{settings.prefix}/webhook"


def signing_secret(scope: Construct, *, settings: Settings, key: kms.IKey | None) -> secretsmanager.CfnSecret | None:
    """The key that signs what the webhook gets, made by Secrets Manager itself: no template holds it; None without."""
    if settings.webhook_url is None:
        return None
    made = secretsmanager.Secret(
        scope,
        "Webhook",
        secret_name=signing_secret_name(settings),
        description="Signs messages to the webhook; its receiver has the same",
        encryption_key=key,
        generate_secret_string=secretsmanager.SecretStringGenerator(
            password_length=SIGNING_KEY_LETTERS,
            exclude_punctuation=True,
            exclude_characters=string.punctuation,  # the same once more: the local cloud knows it by this name only
        ),
    )
    acknowledge(made, "SMG4", reason="The receiver has the same key and must be given a new one by hand.")
    template = cast(secretsmanager.CfnSecret, made.node.default_child)
    replaceable(template)
    return template
