"""The functions' environment with moto behind it: buckets, ledger and topic."""

from __future__ import annotations

import json

import boto3
import pytest
from moto import mock_aws

from lambdas import clients, compare_scores, environment, explain_failure, resolve, smoke_test

RAW, ARTIFACTS, LEDGER = "raw-bucket", "artifacts-bucket", "ledger"


@pytest.fixture
def aws(monkeypatch):
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "RAW_BUCKET": RAW,
        "ARTIFACTS_BUCKET": ARTIFACTS,
        "LEDGER_TABLE": LEDGER,
        "CODE_VERSION": "abc123",
        "TAGS": json.dumps({"project": "trainyard", "environment": "test"}),
        "PREFIX": "trainyard-test",
        "SETTLING_SECONDS": "0",
        "POLICY": "{}",
        "JOB_DEFAULTS": json.dumps({"train": {"instance_type": "ml.c5.xlarge"}}),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        s3 = boto3.client("s3")
        for bucket in (RAW, ARTIFACTS):
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        boto3.client("dynamodb").create_table(
            TableName=LEDGER,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        topic = boto3.client("sns").create_topic(Name="news")["TopicArn"]
        monkeypatch.setenv("TOPIC_ARN", topic)
        caches = (environment.read, clients.s3, clients.dynamodb, resolve._sagemaker, compare_scores._services)
        caches += (smoke_test._runtime, explain_failure._client)
        for cached in caches:
            cached.cache_clear()
        yield s3
        for cached in caches:
            cached.cache_clear()
