"""For how long an event is tried that could not be delivered, and where it goes then."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.permissions import acknowledge

KEEP_TRYING = cdk.Duration.hours(24)
TRIES = 185
KEEP_LOST_EVENTS = cdk.Duration.days(14)


def dead_letters(scope: Construct) -> sqs.Queue:
    """The queue of events that reached nobody; an alarm watches its depth."""
    queue = sqs.Queue(
        scope,
        "DeadLetters",
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=KEEP_LOST_EVENTS,
    )
    acknowledge(
        queue, "SQS3", reason="This is the dead letter queue itself, of EventBridge targets, functions and a queue."
    )
    return queue
