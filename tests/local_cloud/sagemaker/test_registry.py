"""Models, model packages and their tags, through the API and through CloudFormation."""

from __future__ import annotations

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from ..conftest import Cloud
from ..tiny_images import bucket, push, statements, unique


def specification(image: str) -> dict[str, object]:
    return {
        "Containers": [{"Image": image, "ModelDataUrl": "s3://bucket/model.tar.gz"}],
        "SupportedContentTypes": ["application/json"],
        "SupportedResponseMIMETypes": ["application/json"],
    }


def test_versions_count_up_and_are_approved(local_cloud: Cloud) -> None:
    client = local_cloud.client("sagemaker")
    group = unique("group")
    client.create_model_package_group(ModelPackageGroupName=group, Tags=[{"Key": "a", "Value": "b"}])
    inference = specification("image:tag")
    arns = [
        client.create_model_package(
            ModelPackageGroupName=group,
            InferenceSpecification=inference,
            ModelApprovalStatus="PendingManualApproval",
            CustomerMetadataProperties={"hit_rate": "0.22"},
        )["ModelPackageArn"]
        for _ in range(2)
    ]
    assert arns == [f"arn:aws:sagemaker:us-east-1:000000000000:model-package/{group}/{n}" for n in (1, 2)]
    changed = {"CustomerMetadataProperties": {"by": "me"}, "CustomerMetadataPropertiesToRemove": ["hit_rate"]}
    client.update_model_package(ModelPackageArn=arns[1], ModelApprovalStatus="Approved", **changed)
    described = client.describe_model_package(ModelPackageName=arns[1])
    assert (described["ModelPackageVersion"], described["ModelApprovalStatus"]) == (2, "Approved")
    assert described["CustomerMetadataProperties"] == {"by": "me"}
    assert described["InferenceSpecification"]["Containers"] == inference["Containers"]
    listed = client.list_model_packages(ModelPackageGroupName=group, ModelApprovalStatus="Approved")
    assert [each["ModelPackageVersion"] for each in listed["ModelPackageSummaryList"]] == [2]
    with pytest.raises(ClientError, match="has versions"):
        client.delete_model_package_group(ModelPackageGroupName=group)
    client.delete_model_package(ModelPackageName=arns[1])
    with pytest.raises(ClientError, match="does not exist"):
        client.describe_model_package(ModelPackageName=arns[1])
    third = client.create_model_package(ModelPackageGroupName=group, InferenceSpecification=inference)
    assert third["ModelPackageArn"].endswith("/3")


def test_a_decision_on_a_version_is_told_with_what_changed(local_cloud: Cloud) -> None:
    """As SageMaker does; a note on a version is told too, and names no approval."""
    client, events, sqs = (local_cloud.client(each) for each in ("sagemaker", "events", "sqs"))
    group, queue = unique("group"), sqs.create_queue(QueueName=unique("q"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    detail = {"ModelPackageGroupName": [{"prefix": group}], "ModelApprovalStatus": ["Approved", "Rejected"]}
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Model Package State Change"], "detail": detail}
    rule = unique("rule")
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "q", "Arn": arn}])

    client.create_model_package_group(ModelPackageGroupName=group)
    request = {"ModelPackageGroupName": group, "InferenceSpecification": specification("image:tag")}
    version = client.create_model_package(**request)["ModelPackageArn"]
    client.update_model_package(ModelPackageArn=version, ModelApprovalStatus="Approved", ApprovalDescription="good")
    client.update_model_package(ModelPackageArn=version, CustomerMetadataProperties={"seen": "yes"})
    client.update_model_package(ModelPackageArn=version, ModelApprovalStatus="Rejected")
    told: list[tuple[str, list[str]]] = []
    for _ in range(50):
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            found = json.loads(message["Body"])["detail"]
            assert found["ModelPackageArn"] == version
            told.append((found["ModelApprovalStatus"], found["UpdatedModelPackageFields"]))
        if len(told) == 3:
            break
        time.sleep(0.1)
    assert sorted(told) == [
        ("Approved", ["CustomerMetadataProperties"]),
        ("Approved", ["ModelApprovalStatus", "ApprovalDescription"]),
        ("Rejected", ["ModelApprovalStatus"]),
    ]


def test_a_request_that_is_made_again_makes_no_second_version(local_cloud: Cloud) -> None:
    client, group, token = local_cloud.client("sagemaker"), unique("group"), uuid.uuid4().hex
    client.create_model_package_group(ModelPackageGroupName=group)
    request = {"ModelPackageGroupName": group, "InferenceSpecification": specification("image:tag")}
    with ThreadPoolExecutor(8) as pool:
        made = pool.map(
            lambda _: client.create_model_package(**request, ClientToken=token, ModelApprovalStatus="Approved"),
            range(8),
        )
    assert {each["ModelPackageArn"].rpartition("/")[2] for each in made} == {"1"}
    other = client.create_model_package(**request, ClientToken=uuid.uuid4().hex)["ModelPackageArn"]
    listed = client.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    assert [each["ModelApprovalStatus"] for each in listed] == ["Approved", "PendingManualApproval"]
    assert listed[1]["ModelPackageArn"] == other


def test_what_is_deleted_takes_its_tags_along(local_cloud: Cloud) -> None:
    client, group = local_cloud.client("sagemaker"), unique("group")
    tags = [{"Key": "a", "Value": "b"}]

    def made() -> str:
        arn = client.create_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
        assert client.list_tags(ResourceArn=arn)["Tags"] == []
        client.add_tags(ResourceArn=arn, Tags=tags)
        return arn

    made()
    package = client.create_model_package(ModelPackageName=group, InferenceSpecification=specification("i"), Tags=tags)
    client.delete_model_package(ModelPackageName=group)
    client.create_model_package(ModelPackageName=group, InferenceSpecification=specification("i"))
    assert client.list_tags(ResourceArn=package["ModelPackageArn"])["Tags"] == []
    client.delete_model_package_group(ModelPackageGroupName=group)
    made()


def test_an_unknown_group_is_refused(local_cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="does not exist"):
        local_cloud.client("sagemaker").create_model_package(
            ModelPackageGroupName="nobody", InferenceSpecification=specification("i")
        )


def test_pages(local_cloud: Cloud) -> None:
    client = local_cloud.client("sagemaker")
    prefix = unique("page")
    for number in range(5):
        client.create_model_package_group(ModelPackageGroupName=f"{prefix}-{number}")
    pages = client.get_paginator("list_model_package_groups").paginate(
        NameContains=prefix, SortBy="Name", SortOrder="Descending", PaginationConfig={"PageSize": 2}
    )
    names = [[each["ModelPackageGroupName"][-1] for each in page["ModelPackageGroupSummaryList"]] for page in pages]
    assert names == [["4", "3"], ["2", "1"], ["0"]]


def test_tags(local_cloud: Cloud) -> None:
    client = local_cloud.client("sagemaker")
    arn = client.create_model_package_group(ModelPackageGroupName=unique("tagged"))["ModelPackageGroupArn"]
    client.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    client.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    with pytest.raises(ClientError, match="Could not find"):
        client.list_tags(ResourceArn=arn + "x")


def test_a_model_needs_image_and_data_that_its_role_reaches(
    local_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory
) -> None:
    client, name = local_cloud.client("sagemaker"), unique("model")
    store = bucket(local_cloud)
    image = push(local_cloud, tmp_path_factory.mktemp("image"), "pass")
    role = local_cloud.role(unique("server"), "sagemaker.amazonaws.com", statements(store))
    container = {"Image": image, "ModelDataUrl": f"s3://{store}/model.tar.gz"}
    with pytest.raises(ClientError, match=r"model\.tar\.gz"):
        client.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
    local_cloud.client("s3").put_object(Bucket=store, Key="model.tar.gz", Body=b"x")
    client.create_model(ModelName=name, ExecutionRoleArn=role, PrimaryContainer=container)
    assert client.describe_model(ModelName=name)["PrimaryContainer"] == container
    client.delete_model(ModelName=name)
    with pytest.raises(ClientError, match="Could not find model"):
        client.describe_model(ModelName=name)


def test_a_stack_makes_updates_and_deletes_a_group(local_cloud: Cloud) -> None:
    formation, client = local_cloud.client("cloudformation"), local_cloud.client("sagemaker")
    stack, group = unique("stack"), unique("group")

    def template(value: str) -> str:
        properties = {"ModelPackageGroupName": group, "Tags": [{"Key": "colour", "Value": value}]}
        resource = {"Type": "AWS::SageMaker::ModelPackageGroup", "Properties": properties}
        outputs = {"Ref": {"Value": {"Ref": "Group"}}, "Arn": {"Value": {"Fn::GetAtt": "Group.ModelPackageGroupArn"}}}
        return json.dumps({"Resources": {"Group": resource}, "Outputs": outputs})

    formation.create_stack(StackName=stack, TemplateBody=template("red"))
    formation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 0.1})
    arn = client.describe_model_package_group(ModelPackageGroupName=group)["ModelPackageGroupArn"]
    outputs = formation.describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
    assert {each["OutputKey"]: each["OutputValue"] for each in outputs} == {"Ref": arn, "Arn": arn}
    formation.update_stack(StackName=stack, TemplateBody=template("blue"))
    formation.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig={"Delay": 0.1})
    assert {"Key": "colour", "Value": "blue"} in client.list_tags(ResourceArn=arn)["Tags"]
    formation.delete_stack(StackName=stack)
    formation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 0.1})
    with pytest.raises(ClientError, match="does not exist"):
        client.describe_model_package_group(ModelPackageGroupName=group)
