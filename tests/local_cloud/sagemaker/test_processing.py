"""Processing jobs run real processes under the container contract, also from state machines."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from tests.local_cloud.processes import runs
from trainyard.stages.explain_failure import sagemaker_ending

from ..conftest import Cloud
from ..tiny_images import bucket, log_lines, processing_request, push, statements, unique, until_ended

PROGRAM = """
import json, os, pathlib, subprocess, sys, time
ml = pathlib.Path(os.environ["TRAINYARD_ML_ROOT"])
what = sys.argv[1] if len(sys.argv) > 1 else "copy"
config = json.loads((ml / "config/processingjobconfig.json").read_text())
if what == "copy":
    source, target = sys.argv[2], ml / "processing/output"
    print("reading", config["ProcessingJobName"], flush=True)
    (target / "deep").mkdir(parents=True)
    (target / "deep/copy.txt").write_text(pathlib.Path(source, "in.txt").read_text().upper())
elif what == "fail":
    (ml / "output").mkdir(exist_ok=True)
    (ml / "output/message").write_text("row 3 has no key")
    (ml / "processing/output/half.txt").write_text("half")
    sys.exit(2)
elif what == "sleep":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    print("child", child.pid, flush=True)
    time.sleep(60)
"""


@dataclass
class Plant:
    cloud: Cloud
    image: str
    bucket: str
    role: str

    def request(self, *arguments: str, **more: Any) -> dict[str, Any]:
        source = {
            "S3Uri": f"s3://{self.bucket}/in/in.txt",
            "LocalPath": "/opt/ml/processing/input",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
        }
        target = {
            "S3Uri": f"s3://{self.bucket}/{more.pop('to', 'to')}",
            "LocalPath": "/opt/ml/processing/output",
            "S3UploadMode": "EndOfJob",
        }
        request = processing_request(unique("process"), image=self.image, role=self.role, **more)
        request["ProcessingInputs"] = [{"InputName": "in", "S3Input": source}]
        request["ProcessingOutputConfig"] = {"Outputs": [{"OutputName": "out", "S3Output": target}]}
        request["AppSpecification"]["ContainerArguments"] = list(arguments or ("copy", "/opt/ml/processing/input"))
        return request

    def process(self, *arguments: str, **more: Any) -> dict[str, Any]:
        request = self.request(*arguments, **more)
        self.cloud.client("sagemaker").create_processing_job(**request)
        return until_ended(self.cloud, "Processing", request["ProcessingJobName"])

    def keys(self, prefix: str) -> list[str]:
        found = self.cloud.client("s3").list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for each in found.get("Contents", [])]


@pytest.fixture(scope="module")
def plant(local_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Plant:
    name = bucket(local_cloud)
    image = push(local_cloud, tmp_path_factory.mktemp("image"), PROGRAM)
    role = local_cloud.role(unique("processor"), "sagemaker.amazonaws.com", statements(name))
    local_cloud.client("s3").put_object(Bucket=name, Key="in/in.txt", Body=b"text")
    return Plant(local_cloud, image, name, role)


def test_a_job_reads_inputs_and_its_outputs_are_uploaded(plant: Plant) -> None:
    done = plant.process(to="copied")
    assert done["ProcessingJobStatus"] == "Completed", done
    body = plant.cloud.client("s3").get_object(Bucket=plant.bucket, Key="copied/deep/copy.txt")["Body"].read()
    assert body == b"TEXT"
    lines = log_lines(plant.cloud, "/aws/sagemaker/ProcessingJobs", done["ProcessingJobName"])
    assert lines == [f"reading {done['ProcessingJobName']}"]
    assert done["ProcessingStartTime"] <= done["ProcessingEndTime"]


def test_an_input_may_be_the_objects_that_a_manifest_names(plant: Plant) -> None:
    listed = json.dumps([{"prefix": f"s3://{plant.bucket}/in/"}, "in.txt"]).encode()
    plant.cloud.client("s3").put_object(Bucket=plant.bucket, Key="lists/files.manifest", Body=listed)
    request = plant.request(to="listed")
    source = request["ProcessingInputs"][0]["S3Input"]
    source |= {"S3Uri": f"s3://{plant.bucket}/lists/files.manifest", "S3DataType": "ManifestFile"}
    plant.cloud.client("sagemaker").create_processing_job(**request)
    done = until_ended(plant.cloud, "Processing", request["ProcessingJobName"])
    assert done["ProcessingJobStatus"] == "Completed", done
    assert plant.keys("listed") == ["listed/deep/copy.txt"]


def test_an_object_that_a_manifest_names_and_that_is_gone_fails_the_job(plant: Plant) -> None:
    listed = json.dumps([{"prefix": f"s3://{plant.bucket}/in/"}, "in.txt", "gone.txt"]).encode()
    plant.cloud.client("s3").put_object(Bucket=plant.bucket, Key="lists/gone.manifest", Body=listed)
    request = plant.request(to="gone")
    source = request["ProcessingInputs"][0]["S3Input"]
    source |= {"S3Uri": f"s3://{plant.bucket}/lists/gone.manifest", "S3DataType": "ManifestFile"}
    plant.cloud.client("sagemaker").create_processing_job(**request)
    done = until_ended(plant.cloud, "Processing", request["ProcessingJobName"])
    assert done["ProcessingJobStatus"] == "Failed"
    assert "Data download failed" in done["FailureReason"]
    assert f"{plant.bucket}/in/gone.txt" in done["FailureReason"]
    assert plant.keys("gone") == []
    # As such a job of the state machine is called.
    told = sagemaker_ending.reason({**done, "ProcessingJobName": "trainyard-dev-check-20261130-020304-0a1b2c3d"})
    assert "start another check" in told


def test_a_failure_keeps_its_message_and_leaves_no_half_output(plant: Plant) -> None:
    done = plant.process("fail", to="half")
    assert done["ProcessingJobStatus"] == "Failed"
    assert done["ExitMessage"] == "row 3 has no key"
    assert done["FailureReason"] == "AlgorithmError: row 3 has no key, exit code: 2"
    assert plant.keys("half") == []


def test_stopping_ends_the_children_too(plant: Plant) -> None:
    client = plant.cloud.client("sagemaker")
    request = plant.request("sleep")
    name = request["ProcessingJobName"]
    client.create_processing_job(**request)
    for _ in range(200):
        try:
            lines = log_lines(plant.cloud, "/aws/sagemaker/ProcessingJobs", name)
        except ClientError:
            lines = []
        if lines:
            break
        time.sleep(0.05)
    client.stop_processing_job(ProcessingJobName=name)
    assert until_ended(plant.cloud, "Processing", name)["ProcessingJobStatus"] == "Stopped"
    child = int(lines[0].split()[1])
    for _ in range(100):
        if not runs(child):
            break
        time.sleep(0.02)
    assert not runs(child)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ProcessingJobName": "x" * 64}, "less than or equal to 63"),
        ({"ProcessingJobName": "under_score"}, "regular expression"),
        ({"RoleArn": "arn:aws:iam::000000000000:user/somebody"}, "regular expression"),
        ({"RoleArn": "arn:aws:iam::000000000000:role/nobody"}, "does not exist"),
    ],
)
def test_requests_are_validated_as_aws_does(plant: Plant, change: dict[str, str], message: str) -> None:
    with pytest.raises(ClientError, match=message) as refused:
        plant.cloud.client("sagemaker").create_processing_job(**{**plant.request(), **change})
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_what_the_local_cloud_lacks_is_refused_and_never_pretended(plant: Plant) -> None:
    client = plant.cloud.client("sagemaker")
    with pytest.raises(ClientError, match="does not implement CreateTransformJob"):
        client.create_transform_job(
            TransformJobName="t",
            ModelName="m",
            TransformInput={"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/p"}}},
            TransformOutput={"S3OutputPath": "s3://b/o"},
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        )
    with pytest.raises(ClientError, match="does not implement InvokeEndpointAsync"):
        plant.cloud.client("sagemaker-runtime").invoke_endpoint_async(EndpointName="e", InputLocation="s3://b/k")
    two = plant.request()
    two["ProcessingResources"]["ClusterConfig"]["InstanceCount"] = 2
    with pytest.raises(ClientError, match="more than one instance"):
        client.create_processing_job(**two)
    with pytest.raises(ParamValidationError):
        client.create_processing_job(ProcessingJobName="only-a-name")
    with pytest.raises(ClientError, match="Could not find"):
        client.describe_processing_job(ProcessingJobName="nobody")


def caller(plant: Plant, *allowed: dict[str, Any]) -> Any:
    """A SageMaker client of a user with these permissions only."""
    iam = plant.cloud.client("iam")
    name = unique("user")
    iam.create_user(UserName=name)
    policy = {"Version": "2012-10-17", "Statement": list(allowed)}
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return plant.cloud.client(
        "sagemaker", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )


def test_callers_need_the_operation_on_the_name_and_the_right_to_pass_the_role(plant: Plant) -> None:
    request = plant.request()
    arn = f"arn:aws:sagemaker:us-east-1:000000000000:processing-job/{request['ProcessingJobName']}"
    create = {"Effect": "Allow", "Action": "sagemaker:CreateProcessingJob", "Resource": arn}
    passing = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": plant.role,
        "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
    }
    elsewhere = {**create, "Resource": arn.replace("processing-job", "training-job")}
    with pytest.raises(ClientError, match="sagemaker:CreateProcessingJob"):
        caller(plant, elsewhere, passing).create_processing_job(**request)
    with pytest.raises(ClientError, match="iam:PassRole"):
        caller(plant, create).create_processing_job(**request)
    tags = [{"Key": "a", "Value": "b"}]
    with pytest.raises(ClientError, match="sagemaker:AddTags"):
        caller(plant, create, passing).create_processing_job(**request, Tags=tags)
    caller(plant, create, passing).create_processing_job(**request)
    assert until_ended(plant.cloud, "Processing", request["ProcessingJobName"])["ProcessingJobStatus"] == "Completed"


def machine(plant: Plant, request: dict[str, Any], *, resource: str = "createProcessingJob.sync") -> str:
    allowed = [
        {"Effect": "Allow", "Action": ["sagemaker:*", "events:*"], "Resource": "*"},
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": plant.role},
    ]
    role = plant.cloud.role(unique("machine"), "states.amazonaws.com", allowed)
    task = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::sagemaker:{resource}",
        "Arguments": request,
        "End": True,
    }
    return plant.cloud.machine(unique("m"), {"StartAt": "Process", "States": {"Process": task}}, role)


def test_a_state_machine_waits_for_the_job_and_tags_it(plant: Plant) -> None:
    request = {**plant.request(), "Tags": [{"Key": "run", "Value": "r1"}]}
    request["StoppingCondition"] = {"MaxRuntimeInSeconds": "{% $number('60') + 0.0 %}"}
    done = plant.cloud.run(machine(plant, request))
    assert done["status"] == "SUCCEEDED", done
    output = json.loads(done["output"])
    assert output["ProcessingJobStatus"] == "Completed"
    assert output["CreationTime"] > 1_000_000_000_000
    tags = plant.cloud.client("sagemaker").list_tags(ResourceArn=output["ProcessingJobArn"])["Tags"]
    assert {each["Key"]: each["Value"] for each in tags} == {
        "run": "r1",
        "MANAGED_BY_AWS": "STARTED_BY_STEP_FUNCTIONS",
    }


def test_a_failed_job_fails_its_state_with_the_description(plant: Plant) -> None:
    done = plant.cloud.run(machine(plant, plant.request("fail")))
    assert done["error"] == "States.TaskFailed"
    assert json.loads(done["cause"])["FailureReason"] == "AlgorithmError: row 3 has no key, exit code: 2"


def test_a_refused_request_has_the_error_name_of_the_integration(plant: Plant) -> None:
    done = plant.cloud.run(machine(plant, {**plant.request(), "ProcessingJobName": "under_score"}))
    assert done["error"] == "SageMaker.AmazonSageMakerException"
    assert "ValidationException" in done["cause"]


def test_without_sync_the_state_goes_on_at_once(plant: Plant) -> None:
    request = plant.request("sleep")
    done = plant.cloud.run(machine(plant, request, resource="createProcessingJob"))
    assert set(json.loads(done["output"])) == {"ProcessingJobArn"}
    plant.cloud.client("sagemaker").stop_processing_job(ProcessingJobName=request["ProcessingJobName"])


def test_stopping_the_execution_stops_the_job(plant: Plant) -> None:
    request = plant.request("sleep")
    execution = plant.cloud.start(machine(plant, request))
    client = plant.cloud.client("sagemaker")
    for _ in range(200):
        try:
            client.describe_processing_job(ProcessingJobName=request["ProcessingJobName"])
            break
        except ClientError:
            time.sleep(0.05)
    plant.cloud.client("stepfunctions").stop_execution(executionArn=execution)
    done = until_ended(plant.cloud, "Processing", request["ProcessingJobName"])
    assert done["ProcessingJobStatus"] == "Stopped"


def test_the_generic_sdk_integration_describes_jobs(plant: Plant) -> None:
    job = plant.process()["ProcessingJobName"]
    role = plant.cloud.role(
        unique("machine"),
        "states.amazonaws.com",
        [{"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}],
    )
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sagemaker:describeProcessingJob",
        "Arguments": {"ProcessingJobName": job},
        "End": True,
    }
    done = plant.cloud.run(plant.cloud.machine(unique("m"), {"StartAt": "A", "States": {"A": task}}, role))
    assert json.loads(done["output"])["ProcessingJobStatus"] == "Completed"


def test_status_changes_are_announced_on_the_event_bus(plant: Plant) -> None:
    events, sqs = plant.cloud.client("events"), plant.cloud.client("sqs")
    queue = sqs.create_queue(QueueName=unique("q"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    rule = unique("rule")
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Processing Job State Change"]}
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "q", "Arn": arn}])
    name = plant.process()["ProcessingJobName"]
    states = []
    for _ in range(50):
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            detail = json.loads(message["Body"])["detail"]
            if detail["ProcessingJobName"] == name:
                states.append(detail["ProcessingJobStatus"])
        if "Completed" in states:
            break
        time.sleep(0.1)
    assert states == ["InProgress", "Completed"]
