"""The webhook as it is deployed: topic, queue, function and key; its receiver does not take a message at once."""

from __future__ import annotations

import json

import pytest

from tests.lambdas.receiver import Receiver
from tests.lambdas.test_notify import documented
from tests.stack.conftest import Stack, wait

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]


def posted(receiver: Receiver, text: str, *, times: int) -> list[tuple[dict[str, str], bytes]]:
    """The requests whose body contains a text, once there are so many."""

    def found() -> list[tuple[dict[str, str], bytes]] | None:
        matching = [each for each in receiver.requests if text.encode() in each[1]]
        return matching if len(matching) >= times else None

    return wait(found, timeout=60, what=f"{times} requests about {text}")


def test_a_message_is_posted_until_it_is_taken_and_signed_with_the_key_in_the_secret(stack: Stack) -> None:
    queues = stack.client("sqs")
    [url] = [each for each in queues.list_queues()["QueueUrls"] if "WebhookMessages" in each]
    # A function that starts takes longer than its messages stay hidden here, and would get them twice.
    stack.client("lambda").invoke(FunctionName="trainyard-dev-webhook", Payload=json.dumps({"Records": []}))
    # What takes five minutes for a receiver that is down.
    queues.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "2"})
    stack.receiver.answers[:] = [503, 204]
    execution = stack.client("stepfunctions").start_execution(
        stateMachineArn=stack.outputs["StateMachineArn"], input=json.dumps({"recipe": "of_the_webhook", "dataset": "d"})
    )
    refused, taken, *again = posted(stack.receiver, execution["executionArn"], times=2)
    queues.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "300"})
    key = stack.client("secretsmanager").get_secret_value(SecretId=stack.outputs["WebhookSecretName"])["SecretString"]
    assert {each[0]["webhook-id"] for each in (taken, *again)} == {refused[0]["webhook-id"]}
    assert documented()(*taken, key)
    assert not documented()(*taken, key[::-1])
    document = json.loads(taken[1])
    assert document["type"] == "trainyard.bad_request"
    assert "of_the_webhook" in document["data"]["text"]
    assert document["data"]["next_steps"] == ["Correct the settings that are named, and upload or start again."]
    log = stack.client("logs").filter_log_events(logGroupName="/aws/lambda/trainyard-dev-webhook")["events"]
    assert any("delivered" in each["message"] for each in log)
    assert not any(key in each["message"] for each in log)
