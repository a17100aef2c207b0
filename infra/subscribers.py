"""What hears every message of the topic beside people's mail: the function for chat, and the webhook's queue."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.lambdas import Functions
from infra.settings import Settings

# A receiver that is down is asked again every five minutes, for a day.
TRY_AGAIN = cdk.Duration.minutes(5)
TRIES = 288
# Longer than the tries last, and longer than they take where several messages wait for each other.
KEEP = cdk.Duration.days(4)


def webhook_queue(scope: Construct, *, settings: Settings, dead_letters: sqs.Queue) -> sqs.Queue | None:
    """Where messages wait until the webhook's receiver has them; what it never takes ends in `dead_letters`."""
    if settings.webhook_url is None:
        return None
    return sqs.Queue(
        scope,
        "WebhookMessages",
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        visibility_timeout=TRY_AGAIN,
        retention_period=KEEP,
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=TRIES),
    )


class Subscribers(Construct):
    """Subscribes to the topic what the settings ask for."""

    def __init__(
        self, scope: Construct, name: str, *, functions: Functions, queue: sqs.Queue | None, topic_arn: str
    ) -> None:
        super().__init__(scope, name)
        topic = sns.Topic.from_topic_arn(self, "Topic", topic_arn)
        if functions.chat is not None:
            topic.add_subscription(subscriptions.LambdaSubscription(functions.chat))
        if functions.webhook is not None and queue is not None:
            topic.add_subscription(subscriptions.SqsSubscription(queue))
            lambda_.EventSourceMapping(
                self,
                "WebhookMessages",
                target=functions.webhook,
                event_source_arn=queue.queue_arn,
                # One that is not taken must not have the others sent twice.
                batch_size=1,
            )
