"""Kinds of changes that the local cloud acknowledges, each with how to see afterwards that it is still there."""

from __future__ import annotations

import io
import json
import os
import signal
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_cloud import lifecycle
from tests.local_cloud.conftest import Cloud

TABLE, QUEUE, GROUP, BUCKET = "kept-table", "kept-queue", "kept-group", "kept-bucket"
SENT = "a message"
CODE = "def handler(event, context):\n    return 'done'\n"
PASSING = {"StartAt": "Only", "States": {"Only": {"Type": "Pass", "Output": {"ok": True}, "End": True}}}
POINTING = {
    "StartAt": "Point",
    "States": {
        "Point": {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:putItem",
            "Arguments": {"TableName": TABLE, "Item": {"key": {"S": "{% $states.input.key %}"}, "value": {"S": "new"}}},
            "Next": "Wait",
        },
        "Wait": {"Type": "Wait", "Seconds": 60, "End": True},
    },
}


@dataclass(frozen=True, kw_only=True)
class Write:
    """A change: `make` returns when it is acknowledged, `seen` tells what is left of it; both get a name of its own."""

    what: str
    make: Callable[[Cloud, str], Any]
    seen: Callable[[Cloud, str], Any]
    expected: Any


def kill(cloud: Cloud) -> None:
    """Kill the server at once and start it again on the same state."""
    os.kill(cloud.cloud.pid, signal.SIGKILL)
    while lifecycle.status(cloud.state_dir):
        time.sleep(0.005)
    cloud.restarted()


def prepare(cloud: Cloud) -> None:
    """Make what the changes need."""
    cloud.client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    cloud.client("sqs").create_queue(QueueName=QUEUE)
    cloud.client("logs").create_log_group(logGroupName=GROUP)
    cloud.client("s3").create_bucket(Bucket=BUCKET)
    role = cloud.role("machine", "states.amazonaws.com", [{"Effect": "Allow", "Action": "*", "Resource": "*"}])
    machine = cloud.machine("passing", PASSING, role)
    cloud.machine("pointing", POINTING, role)
    cloud.client("sns").create_topic(Name="kept-topic")
    cloud.client("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
    _upload_starts(cloud, machine)


def _upload_starts(cloud: Cloud, machine: str) -> None:
    notify = {"EventBridgeConfiguration": {}}
    cloud.client("s3").put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=notify)
    role = cloud.role("starter", "events.amazonaws.com", [{"Effect": "Allow", "Action": "*", "Resource": "*"}])
    pattern = json.dumps({"source": ["aws.s3"], "detail-type": ["Object Created"]})
    cloud.client("events").put_rule(Name="uploads", EventPattern=pattern)
    cloud.client("events").put_targets(Rule="uploads", Targets=[{"Id": "machine", "Arn": machine, "RoleArn": role}])


def _item(cloud: Cloud, name: str) -> Any:
    found = cloud.client("dynamodb").get_item(TableName=TABLE, Key={"key": {"S": name}})
    return found.get("Item", {}).get("value", {}).get("S")


def _put(cloud: Cloud, name: str, **condition: str) -> None:
    item = {"key": {"S": name}, "value": {"S": "new"}}
    cloud.client("dynamodb").put_item(TableName=TABLE, Item=item, **condition)


def _update(cloud: Cloud, name: str) -> None:
    _put(cloud, name)
    cloud.client("dynamodb").update_item(
        TableName=TABLE,
        Key={"key": {"S": name}},
        UpdateExpression="SET #v = :v",
        ExpressionAttributeNames={"#v": "value"},
        ExpressionAttributeValues={":v": {"S": "changed"}},
    )


def _delete(cloud: Cloud, name: str) -> None:
    _put(cloud, name)
    cloud.client("dynamodb").delete_item(TableName=TABLE, Key={"key": {"S": name}})


def _machine(cloud: Cloud, name: str) -> str:
    return f"arn:aws:states:{cloud.cloud.region}:{cloud.cloud.account}:stateMachine:{name}"


def _execution(cloud: Cloud, machine: str, name: str) -> str:
    return f"{_machine(cloud, machine).replace(':stateMachine:', ':execution:')}:{name}"


def _start(cloud: Cloud, name: str) -> None:
    cloud.start(_machine(cloud, "passing"), {"a": 1}, name=name)


def _started_with(cloud: Cloud, name: str) -> Any:
    described = cloud.finished(_execution(cloud, "passing", name))
    return json.loads(described["input"])


def _upload(cloud: Cloud, name: str) -> None:
    cloud.client("s3").put_object(Bucket=BUCKET, Key=name, Body=b"rows")


def _executions_of_upload(cloud: Cloud, name: str) -> int:
    """How many executions an upload has started; it may take a moment until one is there."""
    states, deadline = cloud.client("stepfunctions"), time.monotonic() + 20
    while True:
        listed = states.list_executions(stateMachineArn=_machine(cloud, "passing"))["executions"]
        inputs = [states.describe_execution(executionArn=each["executionArn"])["input"] for each in listed]
        found = sum(json.loads(text).get("detail", {}).get("object", {}).get("key") == name for text in inputs)
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.1)


def _point(cloud: Cloud, name: str) -> None:
    """An execution writes an item and tells in its history that it has."""
    arn = cloud.start(_machine(cloud, "pointing"), {"key": name}, name=name)
    while "WaitStateEntered" not in {each["type"] for each in cloud.events(arn)}:
        time.sleep(0.01)


def _pointed(cloud: Cloud, name: str) -> tuple[Any, list[str]]:
    kinds = [each["type"] for each in cloud.events(_execution(cloud, "pointing", name))]
    return _item(cloud, name), [kind for kind in kinds if kind != "ExecutionFailed"]


def _queue(cloud: Cloud) -> str:
    return cloud.client("sqs").get_queue_url(QueueName=QUEUE)["QueueUrl"]


def _send(cloud: Cloud, name: str) -> None:
    cloud.client("sqs").send_message(QueueUrl=_queue(cloud), MessageBody=name)


def _receive(cloud: Cloud, name: str, *, delete: bool = False) -> bool:
    """Whether a message is in the queue."""
    sqs, queue = cloud.client("sqs"), _queue(cloud)
    for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", []):
        if message["Body"] == name:
            if delete:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            return True
    return False


def _send_and_delete(cloud: Cloud, name: str) -> None:
    _send(cloud, name)
    assert _receive(cloud, name, delete=True)


def _topic(cloud: Cloud) -> str:
    return cloud.client("sns").create_topic(Name="kept-topic")["TopicArn"]


def _subscribe(cloud: Cloud, name: str) -> None:
    arn = f"arn:aws:sqs:{cloud.cloud.region}:{cloud.cloud.account}:{name}"
    cloud.client("sns").subscribe(TopicArn=_topic(cloud), Protocol="sqs", Endpoint=arn)


def _subscribed(cloud: Cloud, name: str) -> bool:
    found = cloud.client("sns").list_subscriptions_by_topic(TopicArn=_topic(cloud))["Subscriptions"]
    return any(each["Endpoint"].endswith(f":{name}") for each in found)


def _tag_package(cloud: Cloud, name: str) -> None:
    container = {"Image": "image:tag", "ModelDataUrl": "s3://bucket/model.tar.gz"}
    kinds = {"SupportedContentTypes": ["application/json"], "SupportedResponseMIMETypes": ["application/json"]}
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName=name)
    arn = sagemaker.create_model_package(
        ModelPackageGroupName=name, InferenceSpecification={"Containers": [container], **kinds}
    )["ModelPackageArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "by", "Value": "me"}])


def _package_tags(cloud: Cloud, name: str) -> list[str]:
    arn = f"arn:aws:sagemaker:{cloud.cloud.region}:{cloud.cloud.account}:model-package/{name}/1"
    return [each["Value"] for each in cloud.client("sagemaker").list_tags(ResourceArn=arn)["Tags"]]


def _deploy(cloud: Cloud, name: str) -> None:
    """A stack with a role, a function and a queue."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = {"RoleName": name, "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}}
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", CODE)
    cloud.client("s3").put_object(Bucket=BUCKET, Key=f"{name}.zip", Body=code.getvalue())
    function = {
        "FunctionName": name,
        "Runtime": "python3.11",
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"S3Bucket": BUCKET, "S3Key": f"{name}.zip"},
        "Timeout": 30,
    }
    resources = {
        "Role": {"Type": "AWS::IAM::Role", "Properties": role},
        "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}},
    }
    stacks = cloud.client("cloudformation")
    stacks.create_stack(
        StackName=name, TemplateBody=json.dumps({"Resources": resources}), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    while stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] != "CREATE_COMPLETE":
        time.sleep(0.02)


def _deployed(cloud: Cloud, name: str) -> tuple[str, str, str, bool]:
    status = cloud.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
    answer = json.loads(cloud.client("lambda").invoke(FunctionName=name)["Payload"].read())
    role = cloud.client("iam").get_role(RoleName=name)["Role"]["RoleName"]
    return status, answer, role == name and "its role", bool(cloud.client("sqs").get_queue_url(QueueName=name)) and True


def _schedule(cloud: Cloud, name: str) -> None:
    cloud.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression="rate(14 days)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": _machine(cloud, "passing"), "RoleArn": f"arn:aws:iam::{cloud.cloud.account}:role/starter"},
    )


def _log(cloud: Cloud, name: str) -> None:
    logs = cloud.client("logs")
    logs.create_log_stream(logGroupName=GROUP, logStreamName=name)
    for line in ("first", "second"):
        event = {"timestamp": int(time.time() * 1000), "message": line}
        logs.put_log_events(logGroupName=GROUP, logStreamName=name, logEvents=[event])


def _logged(cloud: Cloud, name: str) -> list[str]:
    events = cloud.client("logs").get_log_events(logGroupName=GROUP, logStreamName=name, startFromHead=True)["events"]
    # A client that heard no answer sends the same lines again: they are there twice then.
    return list(dict.fromkeys(each["message"] for each in events))


def _if_new(cloud: Cloud, name: str) -> None:
    _put(cloud, name, ConditionExpression="attribute_not_exists(#k)", ExpressionAttributeNames={"#k": "key"})


POINTED = ("new", [
    "ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited",
    "WaitStateEntered",
])  # fmt: skip

WRITES = (
    Write(what="DynamoDB PutItem", make=_put, seen=_item, expected="new"),
    Write(what="DynamoDB UpdateItem", make=_update, seen=_item, expected="changed"),
    Write(what="DynamoDB DeleteItem", make=_delete, seen=_item, expected=None),
    Write(what="a conditional PutItem", make=_if_new, seen=_item, expected="new"),
    Write(what="StartExecution", make=_start, seen=_started_with, expected={"a": 1}),
    Write(what="an upload that starts an execution", make=_upload, seen=_executions_of_upload, expected=1),
    Write(what="a table's item and the history of the execution that wrote it", make=_point, seen=_pointed,
          expected=POINTED),
    Write(what="SQS SendMessage", make=_send, seen=_receive, expected=True),
    Write(what="SQS DeleteMessage", make=_send_and_delete, seen=_receive, expected=False),
    Write(what="SNS Subscribe", make=_subscribe, seen=_subscribed, expected=True),
    Write(
        what="a secret",
        make=lambda cloud, name: cloud.client("secretsmanager").create_secret(Name=name, SecretString="hidden"),
        seen=lambda cloud, name: cloud.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"],
        expected="hidden",
    ),
    Write(
        what="a parameter",
        make=lambda cloud, name: cloud.client("ssm").put_parameter(Name=f"/{name}", Value="value", Type="String"),
        seen=lambda cloud, name: cloud.client("ssm").get_parameter(Name=f"/{name}")["Parameter"]["Value"],
        expected="value",
    ),
    Write(
        what="a schedule",
        make=_schedule,
        seen=lambda cloud, name: cloud.client("scheduler").get_schedule(Name=name)["ScheduleExpression"],
        expected="rate(14 days)",
    ),
    Write(what="log events", make=_log, seen=_logged, expected=["first", "second"]),
    Write(what="tags of a model package", make=_tag_package, seen=_package_tags, expected=["me"]),
    Write(what="a deployed stack with a function, its role and a queue", make=_deploy, seen=_deployed,
          expected=("CREATE_COMPLETE", "done", "its role", True)),
)  # fmt: skip
