"""The webhook's own code on the local cloud: topic, queue and function under its role, with a receiver that refuses."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import Any

import pytest

from infra.sources import copy
from tests.lambdas.receiver import Receiver, receiving
from tests.lambdas.test_notify import KEY, documented
from tests.local_cloud.conftest import Cloud

TRIES = 2


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The functions' code, as it is deployed; the local cloud has the libraries."""
    folder, packed = tmp_path_factory.mktemp("code"), io.BytesIO()
    copy(folder, "trainyard", "lambdas")
    with zipfile.ZipFile(packed, "w") as archive:
        for each in folder.rglob("*.py"):
            archive.write(each, each.relative_to(folder))
    return packed.getvalue()


def queue(cloud: Cloud, name: str, **attributes: str) -> tuple[str, str]:
    """A queue's URL and ARN."""
    url = cloud.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    found = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return url, found["Attributes"]["QueueArn"]


def subscribed(cloud: Cloud, queue_url: str, queue_arn: str) -> str:
    """A topic that writes into the queue."""
    topic = cloud.client("sns").create_topic(Name="webhook-news")["TopicArn"]
    statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    statement |= {"Resource": queue_arn, "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    cloud.client("sqs").set_queue_attributes(QueueUrl=queue_url, Attributes={"Policy": policy})
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    return str(topic)


def deploy(cloud: Cloud, queue_arn: str, *, url: str, package: bytes) -> None:
    """The function as the template has it: its role reads the queue and the one secret."""
    secret = cloud.client("secretsmanager").create_secret(Name="trainyard-test/webhook", SecretString=KEY)["ARN"]
    take = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    role = cloud.role(
        "webhook",
        "lambda.amazonaws.com",
        [
            {"Effect": "Allow", "Action": take, "Resource": queue_arn},
            {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret},
        ],
    )
    variables = {"ENVIRONMENT": "test", "WEBHOOK_URL": url, "WEBHOOK_SECRET": secret}
    cloud.client("lambda").create_function(
        FunctionName="webhook",
        Runtime="python3.13",
        Role=role,
        Handler="lambdas.webhook.handler",
        Code={"ZipFile": package},
        Timeout=30,
        Environment={"Variables": variables},
    )
    # A function that starts takes longer than its messages stay hidden here, and would get them twice.
    cloud.client("lambda").invoke(FunctionName="webhook", Payload=json.dumps({"Records": []}))
    cloud.client("lambda").create_event_source_mapping(EventSourceArn=queue_arn, FunctionName="webhook", BatchSize=1)


def until(condition: Any, *, what: str) -> Any:
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited for {what}")


def about(receiver: Receiver, text: str) -> list[tuple[dict[str, str], bytes]]:
    return [each for each in receiver.requests if text.encode() in each[1]]


def test_a_message_is_sent_again_until_it_is_taken_and_in_the_end_kept(local_cloud: Cloud, package: bytes) -> None:
    lost_url, lost_arn = queue(local_cloud, "webhook-lost")
    redrive = json.dumps({"deadLetterTargetArn": lost_arn, "maxReceiveCount": TRIES})
    url, arn = queue(local_cloud, "webhook-messages", VisibilityTimeout="2", RedrivePolicy=redrive)
    topic, sns = subscribed(local_cloud, url, arn), local_cloud.client("sns")
    with receiving(503, 204) as receiver:
        deploy(local_cloud, arn, url=receiver.url, package=package)
        sns.publish(TopicArn=topic, Subject="new model", Message="It was promoted.\n\nRun: 1")
        refused, taken = until(
            lambda: len(found := about(receiver, "promoted")) == TRIES and found, what="two requests"
        )
        receiver.answers[:] = [500]
        sns.publish(TopicArn=topic, Subject="never taken", Message="Nobody reads it.")
        sqs = local_cloud.client("sqs")
        [lost] = until(lambda: sqs.receive_message(QueueUrl=lost_url).get("Messages"), what="a dead letter")
    assert refused[0]["webhook-id"] == taken[0]["webhook-id"]
    assert documented()(*taken, KEY)
    assert json.loads(lost["Body"])["Message"] == "Nobody reads it."
    assert len(about(receiver, "Nobody reads")) == TRIES
    assert len(about(receiver, "promoted")) == TRIES
