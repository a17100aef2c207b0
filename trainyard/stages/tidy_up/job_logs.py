"""Logs in the groups that SageMaker makes by itself, which keep everything for ever; in a Lambda.

Those of jobs are shared by all that run in the account: only the streams of this environment's jobs go. Those of
endpoints are the environment's own: they are told how long to keep what is in them, and go after their endpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from trainyard.stages.explain_failure.job_logs import PROCESSING, TRAINING

ENDPOINTS = "/aws/sagemaker/Endpoints/"


def remove_job_logs(prefix: str, *, before: datetime, logs: Any) -> int:
    """Delete the streams of an environment's jobs whose last line is from before a time; returns how many."""
    return sum(
        _remove_streams(group, prefix=f"{prefix}-", before=before, logs=logs) for group in (*PROCESSING, *TRAINING)
    )


def _remove_streams(group: str, *, prefix: str, before: datetime, logs: Any) -> int:
    limit, old = before.timestamp() * 1000, []
    pages = logs.get_paginator("describe_log_streams").paginate(logGroupName=group, logStreamNamePrefix=prefix)
    try:
        for page in pages:
            old += [
                each["logStreamName"]
                for each in page["logStreams"]
                if each.get("lastEventTimestamp", each["creationTime"]) < limit
            ]
    except logs.exceptions.ResourceNotFoundException:
        return 0  # no such job has run in this account yet
    for each in old:
        logs.delete_log_stream(logGroupName=group, logStreamName=each)
    return len(old)


def bound_endpoint_logs(prefix: str, *, days: int, logs: Any) -> int:
    """Have the log groups of an environment's endpoints forget after `days`; returns how many did not yet."""
    pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"{ENDPOINTS}{prefix}-")
    unbound = [
        each["logGroupName"] for page in pages for each in page["logGroups"] if each.get("retentionInDays") != days
    ]
    for each in unbound:
        logs.put_retention_policy(logGroupName=each, retentionInDays=days)
    return len(unbound)


def remove_endpoint_logs(prefix: str, *, before: datetime, sagemaker: Any, logs: Any) -> int:
    """Delete the log groups of an environment's endpoints that are gone, and whose last line is from before a time.

    Returns how many. An endpoint that was only for a test has a group too.
    """
    pages = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"{ENDPOINTS}{prefix}-")
    old = {
        each["logGroupName"]
        for page in pages
        for each in page["logGroups"]
        if _last_line(each, logs=logs) < before.timestamp() * 1000
    }
    pages = sagemaker.get_paginator("list_endpoints").paginate(NameContains=f"{prefix}-")
    gone = old - {f"{ENDPOINTS}{each['EndpointName']}" for page in pages for each in page["Endpoints"]}
    for each in gone:
        logs.delete_log_group(logGroupName=each)
    return len(gone)


def _last_line(group: Mapping[str, Any], *, logs: Any) -> int:
    """When the last line of a group was written, or the group made where it has none: milliseconds since 1970."""
    name = group["logGroupName"]
    last = logs.describe_log_streams(logGroupName=name, orderBy="LastEventTime", descending=True, limit=1)
    written = [int(each.get("lastEventTimestamp", 0)) for each in last["logStreams"]]
    return max([int(group["creationTime"]), *written])
