"""Announces status changes of jobs on the default event bus, as SageMaker does; runs in the server."""

from __future__ import annotations

import json
import logging
from typing import Any

from ministack.services import eventbridge

from local_cloud.sagemaker.records import Record

# CreationTime, Timestamp; StartedOn in Glue.
TIME_ENDINGS = ("Time", "Timestamp", "On")

logger = logging.getLogger("trainyard.sagemaker")


def in_milliseconds(value: Any) -> Any:
    """A description as events and Step Functions show it: times as whole milliseconds since 1970."""
    if isinstance(value, dict):
        return {
            key: round(item * 1000) if key.endswith(TIME_ENDINGS) and isinstance(item, float) else in_milliseconds(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [in_milliseconds(each) for each in value]
    return value


def announce(detail_type: str, arn: str, description: Record) -> None:
    """Put "SageMaker ... State Change" on the bus. Delivery is best effort, as in AWS: a failure is only logged."""
    entry = {
        "Source": "aws.sagemaker",
        "DetailType": detail_type,
        "Detail": json.dumps(in_milliseconds(description)),
        "Resources": [arn],
    }
    try:
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
    except Exception:
        logger.warning("Could not announce %s of %s", detail_type, arn, exc_info=True)
