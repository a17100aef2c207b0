"""Reads the document in which a job of Glue left why it failed; runs in a Lambda and on a laptop."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trainyard.errors import JobFailed
from trainyard.run.failure import JobFailure, key_of

logger = logging.getLogger(__name__)
# Who may not list a bucket is told "forbidden" of a document that is not there.
ABSENT = {"NoSuchKey", "404", "AccessDenied", "403"}


def declared(document: Mapping[str, Any], *, s3: Any) -> JobFailure | None:
    """What the failed run of a Glue job said itself, by its description; None where it could say nothing.

    That is so of a job that died before it could write, and of every other kind of job. Nothing that goes wrong here
    may keep the message from being sent.
    """
    arguments, job_run = document.get("Arguments"), str(document.get("Id") or "")
    uri = str(arguments.get("--RUN_URI", "")) if isinstance(arguments, Mapping) else ""
    bucket, _, prefix = uri.removeprefix("s3://").strip("/").partition("/")
    if not (job_run and bucket and prefix):
        return None
    key = key_of(prefix, job_run)
    try:
        text = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        found = JobFailure.from_json(text)
    except ClientError as error:
        level = logging.INFO if error.response["Error"]["Code"] in ABSENT else logging.WARNING
        logger.log(level, "no failure at s3://%s/%s: %s", bucket, key, error)
    except (BotoCoreError, JobFailed) as error:
        logger.warning("the failure at s3://%s/%s is not readable: %s", bucket, key, error)
    else:
        return found if found.job_run == job_run else None
    return None
