"""Empties buckets, every version of every object; in a Lambda, and on a laptop for `destroy` and `prune`."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from trainyard.errors import TrainyardError

# Of DeleteObjects.
OBJECTS_AT_ONCE = 1000
GONE = "NoSuchBucket"
NO_POLICY = "NoSuchBucketPolicy"


def remove_versions(bucket: str, *, s3: Any, prefix: str = "") -> int:
    """Remove every version and delete marker below a prefix of a bucket; returns how many there were.

    Raises TrainyardError where the bucket refuses. Of a bucket that is gone there is nothing to remove.
    """
    removed = 0
    try:
        for page in s3.get_paginator("list_object_versions").paginate(
            Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": OBJECTS_AT_ONCE}
        ):
            listed = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in listed]
            if objects:
                refused = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True}).get("Errors")
                if refused:
                    raise TrainyardError(f"Expected to empty bucket {bucket}: {refused[0].get('Message', refused[0])}")
            removed += len(objects)
    except ClientError as error:
        if error.response["Error"]["Code"] != GONE:
            raise
    return removed


def refuse_writes(bucket: str, *, s3: Any) -> None:
    """Let nobody write to a bucket from now on: logs of access and jobs that still run would fill it again."""
    try:
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error.response["Error"]["Code"] == GONE:
            return
        if error.response["Error"]["Code"] != NO_POLICY:
            raise
        policy = {"Version": "2012-10-17", "Statement": []}
    refusal = {
        "Sid": "BucketIsBeingDeleted",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    others = [each for each in policy["Statement"] if each.get("Sid") != refusal["Sid"]]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({**policy, "Statement": [*others, refusal]}))
