"""Channels beside people's mail: what is deployed for them, what it may do, and that no key gets into a template."""

from __future__ import annotations

import json
import string

import aws_cdk as cdk

from infra import app
from infra.channels import SlackChannel
from infra.settings import Settings
from tests.infra.conftest import UUID
from tests.infra.templates import Deployment

DENY_ALL = "arn:aws:iam::aws:policy/AWSDenyAll"


def topics(deployment: Deployment) -> tuple[str, str]:
    """The ARNs of the topic that everything is said on, and of that of the chat channels."""
    [chat] = [each for each in deployment.data.resources("AWS::SNS::Topic") if "Chat" in each]
    [all_] = [each for each in deployment.data.resources("AWS::SNS::Topic") if each != chat]
    return deployment.data.arn(all_), deployment.data.arn(chat)


def test_without_settings_there_is_none_of_it(deployment: Deployment) -> None:
    assert len(deployment.data.resources("AWS::SNS::Topic")) == 1
    for kind in ("AWS::Lambda::EventSourceMapping", "AWS::SNS::Subscription"):
        assert not deployment.workflow.resources(kind)
    assert len(deployment.data.resources("AWS::SecretsManager::Secret")) == 1


def test_channels_are_told_and_can_ask_for_nothing(full: Deployment) -> None:
    _, chat = topics(full)
    slack = full.data.only("AWS::Chatbot::SlackChannelConfiguration")
    teams = full.data.only("AWS::Chatbot::MicrosoftTeamsChannelConfiguration")
    assert (slack["SlackWorkspaceId"], slack["SlackChannelId"]) == ("T0123456789", "C0123456789")
    assert (teams["TeamId"], teams["TeamsTenantId"]) == (UUID, UUID)
    for each in (slack, teams):
        assert each["SnsTopicArns"] == [chat]
        assert each["GuardrailPolicies"] == [DENY_ALL]
    [role] = [each for name, each in full.data.resources("AWS::IAM::Role").items() if "Chat" in name]
    assert "Policies" not in role and "ManagedPolicyArns" not in role


def test_every_message_reaches_the_function_of_chat_and_the_queue_of_the_webhook(full: Deployment) -> None:
    topic, chat = topics(full)
    subscriptions = {each["Protocol"]: each for each in full.workflow.resources("AWS::SNS::Subscription").values()}
    assert {each["TopicArn"] for each in subscriptions.values()} == {topic}
    assert subscriptions["lambda"]["Endpoint"].endswith("function:trainyard-full-chat")
    [queue] = [each for each in full.workflow.resources("AWS::SQS::Queue") if "Webhook" in each]
    assert subscriptions["sqs"]["Endpoint"] == full.workflow.arn(queue)
    role = full.role("FunctionsChatRole")
    assert role.may("sns:Publish", chat) and not role.may("sns:Publish", topic)


def test_the_webhook_is_tried_for_a_day_and_what_it_never_takes_is_kept_and_watched(full: Deployment) -> None:
    queues = full.workflow.resources("AWS::SQS::Queue")
    [(name, queue)] = [(name, each) for name, each in queues.items() if "Webhook" in name]
    [lost] = [each for each in queues if each != name]
    retries = queue["RedrivePolicy"]
    assert retries["deadLetterTargetArn"] == full.workflow.arn(lost)
    assert queue["VisibilityTimeout"] * retries["maxReceiveCount"] == 24 * 3600
    assert queue["MessageRetentionPeriod"] > 24 * 3600
    mapping = full.workflow.only("AWS::Lambda::EventSourceMapping")
    assert (mapping["EventSourceArn"], mapping["BatchSize"]) == (full.workflow.arn(name), 1)
    [function] = [
        each for each in full.workflow.resources("AWS::Lambda::Function").values() if "webhook" in each["Handler"]
    ]
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
    alarms = full.workflow.resources("AWS::CloudWatch::Alarm")
    assert any("WebhookDown" in each for each in alarms)
    assert not any("WebhookBroken" in each for each in alarms)


def test_the_key_is_made_by_secrets_manager_and_read_by_the_webhook_alone(full: Deployment) -> None:
    [(name, secret)] = [
        (name, each) for name, each in full.data.resources("AWS::SecretsManager::Secret").items() if "Webhook" in name
    ]
    # Letters and digits, four to three bytes of Base64, which need no padding.
    generated = secret["GenerateSecretString"]
    assert (generated["ExcludePunctuation"], generated["PasswordLength"]) == (True, 44)
    assert set(string.punctuation) <= set(generated["ExcludeCharacters"])
    assert "SecretString" not in secret
    arn = full.data.resolve({"Fn::GetAtt": [name, "Id"]})
    roles = list(full.workflow.resources("AWS::IAM::Role"))
    assert [each for each in roles if full.role(each).may("secretsmanager:GetSecretValue", arn)] == [
        each for each in roles if "Webhook" in each
    ]
    [key] = full.data.resources("AWS::KMS::Key")
    may = full.role("FunctionsWebhookRole").may
    assert may("kms:Decrypt", full.data.arn(key), kms__ViaService="secretsmanager.us-east-1.amazonaws.com")
    # A dynamic reference would put the key into the function's configuration.
    assert "{{resolve:" not in json.dumps([each.template for each in full.stacks])


def test_on_a_laptop_a_program_there_is_told_and_what_only_aws_has_is_left_out() -> None:
    settings = Settings(
        name="x", slack=SlackChannel(workspace_id="T1", channel_id="C1"), must_tell=True, gpu=True, account="1" * 12
    )
    asked = cdk.App(context={"laptop": "true", "webhook_url": "http://localhost:9000/hooks"}, analytics_reporting=False)
    there = app._on_laptop(asked, app._with_alarms(asked, settings))
    assert there.webhook_url == "http://localhost:9000/hooks"
    assert not there.tells and not there.gpu and there.slack is None
    app.check(there, account=None, region=None)
