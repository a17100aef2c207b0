"""The daily tidying as it is deployed: it may look at all that it must, and finds nothing old enough to remove."""

from __future__ import annotations

import json

import pytest

from tests.stack.conftest import Stack

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack")]


def test_it_looks_through_everything_under_its_own_role_and_leaves_what_is_new(stack: Stack) -> None:
    key = "prod2vec/20261121-024833-1a2b3c4d/process/train/tokens.npy"
    stack.client("s3").put_object(Bucket=stack.outputs["ArtifactsBucketName"], Key=key, Body=b"new")
    group = "/aws/sagemaker/Endpoints/trainyard-dev-prod2vec-0a1b2c3d"
    stack.client("logs").create_log_group(logGroupName=group)
    answer = stack.client("lambda").invoke(FunctionName="trainyard-dev-tidy-up")
    gone = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, gone
    # Groups of endpoints are told how long to keep what is in them, those of other tests too.
    assert gone.pop("bound_log_groups") > 0
    assert {"objects", "models", "versions", "log_groups"} <= set(gone)
    assert set(gone.values()) == {0}
    [left] = stack.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert left["retentionInDays"] == 14
    stack.client("s3").head_object(Bucket=stack.outputs["ArtifactsBucketName"], Key=key)
