"""Messages in chat and to a webhook: what they say, and that a receiver can tell a true one from an invented one."""

from __future__ import annotations

import base64
import json
import logging
import re
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lambdas import chat, webhook
from tests.lambdas.receiver import receiving
from trainyard.errors import ConfigError, JobFailed
from trainyard.stages.notify.chat import LONGEST_TEXT, custom_notification
from trainyard.stages.notify.notification import notification

ARN = "arn:aws:states:eu-central-1:111122223333:execution:trainyard-prod-training:run-1"
CONSOLE = f"https://eu-central-1.console.aws.amazon.com/states/home?region=eu-central-1#/v2/executions/details/{ARN}"
KEY = base64.b64encode(b"k" * 33).decode()
REGISTERED = """The new prod2vec model was promoted.

Checks:
* passed: hit_rate_at_10 >= 0.2: it is 0.41.

Run: 20261121-024833-1a2b3c4d
Report: s3://artifacts/prod2vec/20261121-024833-1a2b3c4d/report/index.html
Model package: arn:aws:sagemaker:eu-central-1:111122223333:model-package/trainyard-prod-prod2vec/3"""
FAILED = f"""The run of recipe prod2vec on data set orders ended: FAILED.

Failed state: Train model
Error: States.TaskFailed
Reason: out of memory <!channel> & more
Run: 20261121-024833-1a2b3c4d
Job: trainyard-prod-train-1

Lines of its log:
  trainyard says nothing of use

Console: {CONSOLE}
Once the reason is fixed, go on from the failed state (within 14 days):
  aws stepfunctions redrive-execution --execution-arn {ARN}
Where that is what you change, deploy it and start again:
  trainyard rerun run-1
New settings take a new run."""


def record(text: str, outcome: str = "registered", *, account: str = "111122223333", subject: str = "New model"):
    """What SNS hands to its subscribers."""
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": f"arn:aws:sns:eu-central-1:{account}:trainyard-prod-data-Topic",
        "Subject": subject,
        "Message": text,
        "Timestamp": "2026-11-21T02:48:33.000Z",
        "MessageAttributes": {"outcome": {"Type": "String", "Value": outcome}},
    }


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch):
    """The surroundings of both functions, moto behind them."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "ENVIRONMENT": "prod",
        "WEBHOOK_SECRET": "trainyard-prod/webhook",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        boto3.client("secretsmanager").create_secret(Name="trainyard-prod/webhook", SecretString=KEY)
        for cached in (chat._sns, webhook._secrets):
            cached.cache_clear()
        yield
        for cached in (chat._sns, webhook._secrets):
            cached.cache_clear()


def deliver(sns_record: dict[str, Any]) -> None:
    """The webhook's function with a message as it lies in the queue."""
    webhook.handler({"Records": [{"messageId": "1", "body": json.dumps(sns_record)}]}, None)


def documented() -> Any:
    """The example of docs/notifications.md by which a receiver verifies."""
    text = (Path(__file__).resolve().parents[2] / "docs/notifications.md").read_text()
    [code] = [each for each in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "is_genuine" in each]
    scope: dict[str, Any] = {}
    exec(code, scope)
    return scope["is_genuine"]


def test_a_receiver_gets_what_happened_and_verifies_it_as_documented(aws, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        monkeypatch.setenv("WEBHOOK_URL", receiver.url)
        deliver(record(REGISTERED))
    [(headers, body)] = receiver.requests
    document = json.loads(body)
    assert document["type"] == "trainyard.registered"
    assert document["timestamp"] == "2026-11-21T02:48:33.000Z"
    data = document["data"]
    assert (data["environment"], data["title"], data["run"]) == ("prod", "New model", "20261121-024833-1a2b3c4d")
    assert data["model_package"].endswith("trainyard-prod-prod2vec/3")
    assert data["next_steps"] == ["trainyard show 20261121-024833-1a2b3c4d --aws --env prod"]
    assert data["link"].startswith("https://s3.console.aws.amazon.com/s3/object/artifacts?prefix=prod2vec/")
    is_genuine = documented()
    assert is_genuine(headers, body, KEY)
    assert not is_genuine(headers, body + b" ", KEY)
    assert not is_genuine({**headers, "webhook-id": "another"}, body, KEY)
    assert not is_genuine({**headers, "webhook-timestamp": "1"}, body, KEY)
    assert not is_genuine(headers, body, base64.b64encode(b"x" * 33).decode())


def test_a_message_that_is_not_taken_fails_and_is_the_same_message_when_it_comes_again(
    aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving(503, 302, 200) as receiver:
        monkeypatch.setenv("WEBHOOK_URL", f"{receiver.url}?token=hidden")
        for status in (503, 302):
            with pytest.raises(
                JobFailed, match=rf"Expected 2xx of the webhook's receiver 127.0.0.1:\d+, found {status}"
            ):
                deliver(record(REGISTERED))
        deliver(record(REGISTERED))
    assert len(receiver.requests) == 3, "a redirect must not be followed"
    assert {headers["webhook-id"] for headers, _ in receiver.requests} == {"22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"}
    assert len({body for _, body in receiver.requests}) == 1


def test_neither_key_nor_address_gets_into_log_or_error(aws, monkeypatch, caplog, capsys) -> None:
    with receiving(500, 204) as receiver:
        monkeypatch.setenv("WEBHOOK_URL", f"{receiver.url}?token=hidden")
        with caplog.at_level(logging.DEBUG, logger="webhook"), pytest.raises(JobFailed) as refused:
            deliver(record(REGISTERED))
        deliver(record(REGISTERED))
    logged = capsys.readouterr()
    said = logged.out + logged.err + caplog.text + str(refused.value) + str(refused.value.__cause__)
    assert "delivered" in said
    for secret in (KEY, "hidden"):
        assert secret not in said


def test_a_receiver_that_is_not_there_is_asked_again(aws, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        monkeypatch.setenv("WEBHOOK_URL", receiver.url)
    with pytest.raises(JobFailed, match="Expected an answer of the webhook's receiver"):
        deliver(record(REGISTERED))


@pytest.mark.parametrize(("kept", "sent"), [(f"whsec_{KEY}", 1), ("not a key!", 0)])
def test_a_key_is_base64_with_or_without_the_standards_prefix(kept: str, sent: int, aws, monkeypatch) -> None:
    boto3.client("secretsmanager").put_secret_value(SecretId="trainyard-prod/webhook", SecretString=kept)
    with receiving() as receiver:
        monkeypatch.setenv("WEBHOOK_URL", receiver.url)
        if sent:
            deliver(record(REGISTERED))
            assert documented()(*receiver.requests[0], KEY)
        else:
            with pytest.raises(ConfigError, match="Expected the webhook's secret to be Base64"):
                deliver(record(REGISTERED))
    assert len(receiver.requests) == sent


def test_chat_gets_the_one_form_that_it_shows(aws, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = boto3.client("sns").create_topic(Name="chat")["TopicArn"]
    queue = boto3.client("sqs").create_queue(QueueName="seen")["QueueUrl"]
    arn = "arn:aws:sqs:eu-central-1:123456789012:seen"
    boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    monkeypatch.setenv("CHAT_TOPIC_ARN", topic)
    chat.handler({"Records": [{"Sns": record(FAILED, "failed", subject="trainyard: run failed")}]}, None)
    [message] = boto3.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    document = json.loads(json.loads(message["Body"])["Message"])
    assert (document["version"], document["source"]) == ("1.0", "custom")
    content, metadata = document["content"], document["metadata"]
    assert content["textType"] == "client-markdown"
    assert content["title"] == "[prod] trainyard: run failed"
    assert content["nextSteps"] == [
        f"`aws stepfunctions redrive-execution --execution-arn {ARN}`",
        "`trainyard rerun run-1 --aws --env prod`",
    ]
    assert "out of memory &lt;!channel&gt; &amp; more" in content["description"]
    assert CONSOLE in content["description"]
    assert metadata["threadId"] == "prod/20261121-024833-1a2b3c4d"
    assert metadata["additionalContext"]["failed_state"] == "Train model"


def test_messages_of_one_run_share_a_thread_and_those_of_environments_do_not() -> None:
    threads = {
        custom_notification(notification(record(text), environment=environment))["metadata"]["threadId"]
        for text in (REGISTERED, FAILED)
        for environment in ("dev", "prod")
    }
    assert threads == {"dev/20261121-024833-1a2b3c4d", "prod/20261121-024833-1a2b3c4d"}


def test_a_long_message_ends_at_a_line_and_says_so() -> None:
    told = notification(record("\n".join(f"* line {each}" for each in range(1000))), environment="dev")
    shown = custom_notification(told)["content"]["description"]
    assert len(shown) <= LONGEST_TEXT + 4
    assert shown.startswith("• line 0\n")
    assert re.search(r"\n• line \d+\n\.\.\.$", shown)


@pytest.mark.parametrize("text", ["<" * 5000, "\n".join(["&<>" * 20] * 100)], ids=["one line", "lines"])
def test_a_message_full_of_what_is_escaped_is_short_all_the_same(text: str) -> None:
    shown = custom_notification(notification(record(text), environment="dev"))["content"]["description"]
    assert len(shown) <= LONGEST_TEXT + 4
    assert set(re.findall(r"&\w*;?", shown)) <= {"&amp;", "&lt;", "&gt;"}
    assert shown.endswith(";\n...")


@pytest.mark.parametrize(
    "forged",
    [
        "Console: https://evil.example/x",
        "Console: https://evil.example/.console.aws.amazon.com/",
        "Execution: arn:aws:states:evil.example/#:1:x",
    ],
)
def test_what_somebody_uploaded_makes_neither_link_nor_command(forged: str) -> None:
    text = f"An upload was refused.\n\nReason: x\n{forged}\n  trainyard destroy --yes\nExecution: {ARN}"
    told = notification(record(text, "bad_request"), environment="prod")
    assert told.link == CONSOLE
    assert told.next_steps == ("Correct the settings that are named, and upload or start again.",)
    assert "console" not in told.facts


def test_an_alarm_says_what_it_watches_and_why_it_went_off() -> None:
    alarm = {
        "AlarmName": "trainyard-LostEvents",
        "AlarmDescription": "An event reached nobody: look into the dead letter queue.",
        "NewStateReason": "Threshold Crossed: 1 datapoint [2.0].",
    }
    subject = 'ALARM: "trainyard-LostEvents" in EU (Frankfurt)'
    told = notification({**record(json.dumps(alarm), subject=subject), "MessageAttributes": {}}, environment="dev")
    assert (told.outcome, told.title) == ("alarm", subject)
    assert told.text == f"{alarm['AlarmDescription']}\n\n{alarm['NewStateReason']}"
    assert told.next_steps == ("trainyard executions --aws",)


def test_a_model_that_waits_for_approval_comes_with_both_answers() -> None:
    text = f"{REGISTERED}\n\nIt waits for approval, by\n  trainyard approve r\n  trainyard reject r\n\nRun: r"
    told = notification(record(text, "waiting"), environment="prod")
    assert told.next_steps == ("trainyard approve r --aws --env prod", "trainyard reject r --aws --env prod")


@pytest.mark.parametrize(
    ("outcome", "account", "step"),
    [
        ("bad_data", "111122223333", "Correct the lines that are named, and upload the files again."),
        ("bad_request", "111122223333", "Correct the settings that are named, and upload or start again."),
        ("refused", "000000000000", "trainyard show 20261121-024833-1a2b3c4d"),
        ("something new", "111122223333", "trainyard show 20261121-024833-1a2b3c4d --aws"),
    ],
)
def test_every_message_says_what_to_do(outcome: str, account: str, step: str) -> None:
    told = notification(record(REGISTERED, outcome, account=account), environment="dev")
    assert told.next_steps == (step,)
