"""Announces status changes on the default event bus, as SageMaker does; runs in the server."""

from __future__ import annotations

import json
import logging

from ministack.services import eventbridge

from local_cloud.jobs.records import Record
from local_cloud.jobs.timestamps import in_milliseconds

logger = logging.getLogger("trainyard.sagemaker")


def announce(detail_type: str, arn: str, *, description: Record) -> None:
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
