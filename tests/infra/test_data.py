"""What keeps data safe: buckets, ledger, topic and key."""

from __future__ import annotations

import json

import pytest

from tests.infra.templates import Deployment
from trainyard.errors import JobFailed
from trainyard.stages.ingest.database import url_of_secret


def test_every_bucket_is_private_encrypted_and_refuses_plain_http(deployment: Deployment) -> None:
    buckets = deployment.data.resources("AWS::S3::Bucket")
    assert len(buckets) == 3
    denied = {
        each["Bucket"]: statement
        for each in deployment.data.resources("AWS::S3::BucketPolicy").values()
        for statement in each["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
    }
    for name, bucket in buckets.items():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert denied[name]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert denied[name]["Action"] == "s3:*"
        assert "BucketName" not in bucket


def test_raw_and_artifacts_keep_versions_logs_and_tidy_up(deployment: Deployment) -> None:
    for part in ("Raw", "Artifacts"):
        bucket = deployment.data.resources("AWS::S3::Bucket")[deployment.bucket(part)]
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert bucket["LoggingConfiguration"]["DestinationBucketName"] == deployment.bucket("AccessLogs")
        [rule] = bucket["LifecycleConfiguration"]["Rules"]
        assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == 90
        assert rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 7
        assert rule["Transitions"] == [{"StorageClass": "INTELLIGENT_TIERING", "TransitionInDays": 30}]


def test_only_the_raw_bucket_sends_events_and_no_custom_resource_does_it(deployment: Deployment) -> None:
    sending = {
        name
        for name, bucket in deployment.data.resources("AWS::S3::Bucket").items()
        if bucket.get("NotificationConfiguration", {}).get("EventBridgeConfiguration", {}).get("EventBridgeEnabled")
    }
    assert sending == {deployment.bucket("Raw")}
    assert not [each for stack in deployment.stacks for each in stack.resources("Custom::S3BucketNotifications")]


def test_ledger_can_be_restored_and_costs_nothing_when_idle(deployment: Deployment) -> None:
    table = deployment.data.only("AWS::DynamoDB::Table")
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert table["AttributeDefinitions"] == [{"AttributeName": "id", "AttributeType": "S"}]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["SSESpecification"]["SSEEnabled"] is True
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}


def test_topic_lets_alarms_of_this_account_in_and_refuses_plain_http(deployment: Deployment) -> None:
    statements = deployment.data.only("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    by_effect = {each["Effect"]: each for each in statements}
    assert by_effect["Allow"]["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert by_effect["Allow"]["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}
    assert by_effect["Deny"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_prod_keeps_its_data_under_a_key_of_its_own(prod: Deployment) -> None:
    [key] = prod.data.resources("AWS::KMS::Key")
    arn = prod.data.arn(key)
    for part in ("Raw", "Artifacts"):
        [rule] = prod.data.resources("AWS::S3::Bucket")[prod.bucket(part)]["BucketEncryption"][
            "ServerSideEncryptionConfiguration"
        ]
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}
    assert prod.data.only("AWS::DynamoDB::Table")["SSESpecification"]["KMSMasterKeyId"] == arn
    assert prod.data.only("AWS::SNS::Topic")["KmsMasterKeyId"] in (arn, key)
    assert prod.data.only("AWS::KMS::Key")["EnableKeyRotation"] is True


def test_prod_data_outlives_its_stack_and_dev_data_does_not(dev: Deployment, prod: Deployment) -> None:
    for kind, kept in (("AWS::S3::Bucket", "RetainExceptOnCreate"), ("AWS::DynamoDB::Table", "Retain")):
        policies = {
            each.environment: {
                resource["DeletionPolicy"]
                for resource in each.data.template["Resources"].values()
                if resource["Type"] == kind
            }
            for each in (dev, prod)
        }
        assert policies == {"dev": {"Delete"}, "prod": {kept}}


def test_nothing_with_a_fixed_name_is_in_the_way_of_the_next_deployment(deployment: Deployment) -> None:
    """What outlives its stack has a generated name, is taken over by the name it is known by, or goes with another."""
    taken_over = {"AWS::SageMaker::ModelPackageGroup"}
    goes_with_its_function = {"AWS::Lambda::Version"}
    named = ("Name", "RoleName", "FunctionName", "LogGroupName", "TableName", "BucketName", "AliasName")
    for stack in deployment.stacks:
        for resource in stack.template["Resources"].values():
            given = resource.get("Properties", {})
            fixed = [each for each in (*named, "DatabaseInput", "TableInput") if each in given]
            if fixed and resource["Type"] not in taken_over | goes_with_its_function:
                assert resource.get("DeletionPolicy", "Delete") == "Delete", (resource["Type"], fixed)


def test_people_and_the_command_line_find_what_they_need_by_output(deployment: Deployment) -> None:
    names = {*deployment.data.template["Outputs"], *deployment.workflow.template["Outputs"]}
    wanted = {"RawBucketName", "ArtifactsBucketName", "LedgerTableName", "TopicArn", "StateMachineArn", "DashboardUrl"}
    assert wanted <= names


def test_the_database_secret_is_made_without_content(deployment: Deployment) -> None:
    secret = deployment.data.only("AWS::SecretsManager::Secret")
    assert secret["Name"] == f"trainyard-{deployment.environment}/database"
    assert "SecretString" not in secret
    generated = secret["GenerateSecretString"]
    assert generated["GenerateStringKey"] == "password"
    assert set(json.loads(generated["SecretStringTemplate"]).values()) == {""}
    with pytest.raises(JobFailed, match=r"hold username, host, port \(a number\), dbname, engine \(one of mysql, "):
        url_of_secret(json.dumps({**json.loads(generated["SecretStringTemplate"]), "password": "generated"}))
