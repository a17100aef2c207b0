"""Empties groups of the model registry, which CloudFormation deletes only when no version is in them; in a Lambda."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError


def remove_packages(group: str, *, sagemaker: Any) -> int:
    """Delete every version of a group; returns how many there were. Of a group that is gone there are none."""
    pages = sagemaker.get_paginator("list_model_packages").paginate(ModelPackageGroupName=group)
    try:
        versions = [each["ModelPackageArn"] for page in pages for each in page["ModelPackageSummaryList"]]
    except ClientError as error:
        if "does not exist" in str(error):
            return 0
        raise
    for each in versions:
        sagemaker.delete_model_package(ModelPackageName=each)
    return len(versions)
