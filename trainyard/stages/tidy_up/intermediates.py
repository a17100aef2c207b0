"""Objects between a run's files and its model: data sets, checkpoints, and what a search tried; in a Lambda.

A rule of S3 goes by the beginning of a key, and these keys begin with recipe and run, so no such rule can tell them
from the models beside them. Objects are deleted as people delete them: the bucket keeps earlier versions for a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from trainyard.errors import TrainyardError
from trainyard.run.stage import Stage
from trainyard.stages.tidy_up.needed import Needed

# <recipe>/<run id>/<stage>/<name>; a run id ends with a mark of its execution.
KEY = re.compile(r"[^/]+/\d{8}-\d{6}-(?P<mark>[0-9a-f]{8})/(?P<path>(?P<stage>[a-z]+)/.+)")
DATA = (Stage.INGEST, Stage.PREPARE, Stage.PROCESS)
CHECKPOINTS = (f"{Stage.TRAIN}/checkpoints/", f"{Stage.TUNE}/checkpoints/")
ANALYSIS = f"{Stage.TUNE}/analysis/"
# Of DeleteObjects.
OBJECTS_AT_ONCE = 1000


def remove_intermediates(bucket: str, *, before: datetime, needed: Needed, s3: Any) -> tuple[int, int]:
    """Delete what was written before a time and nothing needs; returns the number of objects, and of their bytes.

    Raises TrainyardError where the bucket refuses: what went before it stays deleted.
    """
    count, size = 0, 0
    for batch in _batches(_old(bucket, before=before, needed=needed, s3=s3)):
        objects = [{"Key": each["Key"]} for each in batch]
        refused = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True}).get("Errors")
        if refused:
            raise TrainyardError(f"Expected to delete {refused[0]['Key']}: {refused[0].get('Message', refused[0])}")
        count, size = count + len(batch), size + sum(each["Size"] for each in batch)
    return count, size


def _old(bucket: str, *, before: datetime, needed: Needed, s3: Any) -> Iterator[Mapping[str, Any]]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for each in page.get("Contents", []):
            if each["LastModified"] < before and is_left_over(each["Key"], bucket=bucket, needed=needed):
                yield each


def is_left_over(key: str, *, bucket: str, needed: Needed) -> bool:
    """Whether an object of a run that is finished is neither a document nor a model, nor made for people to look at."""
    found = KEY.fullmatch(key)
    if found is None or found["mark"] in needed.unfinished:
        return False
    if found["stage"] in DATA:
        # What a stage says of its data is short, and pages of old runs show it.
        return not key.endswith(".json")
    if found["path"].startswith(CHECKPOINTS):
        return True
    tried = found["stage"] == Stage.TUNE and not found["path"].startswith(ANALYSIS)
    return tried and f"s3://{bucket}/{key}" not in needed.archives


def _batches(found: Iterator[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    while batch := [each for each, _ in zip(found, range(OBJECTS_AT_ONCE), strict=False)]:
        yield batch
