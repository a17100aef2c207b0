"""Reads the end of a job's log out of CloudWatch, as far as it can be read; runs in a Lambda."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trainyard.stages.explain_failure.job_logs import JobLog

# How many of a log's last lines are looked through for the exception.
LINES_READ = 300
logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Tail:
    """The end of a job's log, or why there is none."""

    lines: Sequence[str] = ()
    unreadable: str = ""


def log_tail(log: JobLog, *, logs: Any) -> Tail:
    """The end of a job's log; a log that cannot be read must not keep the message from being sent."""
    why = []
    for group in log.groups:
        try:
            lines = _last_lines(log, group, logs=logs)
        except (BotoCoreError, ClientError) as error:
            logger.warning("log group %s is not readable: %s", group, error)
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
            why.append(f"(not readable: {code})")
        else:
            if lines:
                return Tail(lines=lines)
            why.append("(the job wrote no log)")
    return Tail(unreadable=why[0])


def _last_lines(log: JobLog, group: str, *, logs: Any) -> list[str]:
    pages = logs.get_paginator("describe_log_streams").paginate(logGroupName=group, logStreamNamePrefix=log.prefix)
    streams = [each["logStreamName"] for page in pages for each in page["logStreams"]]
    if not streams:
        return []
    found = logs.get_log_events(
        logGroupName=group, logStreamName=log.telling(streams), limit=LINES_READ, startFromHead=False
    )
    return [line for each in found["events"] for line in each["message"].rstrip().splitlines()]
