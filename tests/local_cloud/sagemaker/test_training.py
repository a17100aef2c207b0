"""Training jobs run real processes under the container contract, and end as SageMaker says they end."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from ..conftest import Cloud
from ..tiny_images import (
    bucket,
    channel,
    log_lines,
    push,
    statements,
    training_request,
    unique,
    until_ended,
)

PROGRAM = """
import json, os, pathlib, signal, sys, time
ml = pathlib.Path(os.environ["TRAINYARD_ML_ROOT"])
hyper = json.loads((ml / "input/config/hyperparameters.json").read_text())
what = hyper.get("what", "train")
if what == "train":
    data = ml / "input/data/train"
    (ml / "model/weights.txt").write_text("".join(sorted(p.read_text() for p in data.rglob("*.txt"))))
    (ml / "output/data/notes.txt").write_text("notes")
    print("argv", sys.argv[1:], flush=True)
    print("environment", sorted(os.environ), flush=True)
    for loss in (3, 2, 1.5):
        print(f"epoch loss={loss};", flush=True)
elif what == "fail":
    (ml / "output/failure").write_text("the data has no rows")
    sys.exit(3)
elif what == "crash":
    raise ValueError("no such thing")
elif what == "sleep":
    print("sleeping", flush=True)
    (ml / "model/part.txt").write_text("half")
    time.sleep(60)
elif what == "checkpoint":
    folder = ml / "checkpoints"
    seen = [p.read_text() for p in folder.iterdir()]
    (ml / "model/seen.txt").write_text(repr(seen))
    (folder / "epoch.txt").write_text("7")
"""


@dataclass
class Workshop:
    """An image, a bucket and a role that may use them."""

    cloud: Cloud
    image: str
    bucket: str
    role: str

    def train(self, what: str = "train", **more: object) -> dict[str, object]:
        name = unique("job")
        hyper = {"what": what}
        request = training_request(name, image=self.image, role=self.role, bucket_name=self.bucket, **more)
        self.cloud.client("sagemaker").create_training_job(**{"HyperParameters": hyper, **request})
        return until_ended(self.cloud, "Training", name)

    def archive(self, uri: str) -> dict[str, str]:
        key = uri.removeprefix(f"s3://{self.bucket}/")
        body = self.cloud.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            return {each.name: archive.extractfile(each).read().decode() for each in archive if each.isfile()}


@pytest.fixture(scope="module")
def workshop(local_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    name = bucket(local_cloud)
    image = push(local_cloud, tmp_path_factory.mktemp("image"), PROGRAM)
    role = local_cloud.role(unique("trainer"), "sagemaker.amazonaws.com", statements(name))
    for key in ("data/a.txt", "data/deep/b.txt", "database/c.txt"):
        local_cloud.client("s3").put_object(Bucket=name, Key=key, Body=key.encode())
    return Workshop(local_cloud, image, name, role)


def test_a_job_reads_its_channel_and_leaves_model_output_metrics_and_logs(workshop: Workshop) -> None:
    done = workshop.train(InputDataConfig=[channel("train", f"s3://{workshop.bucket}/data/")])
    assert done["TrainingJobStatus"] == "Completed", done
    assert [each["Status"] for each in done["SecondaryStatusTransitions"]] == [
        "Starting", "Downloading", "Training", "Uploading", "Completed",
    ]  # fmt: skip
    assert all("EndTime" in each for each in done["SecondaryStatusTransitions"])
    model = done["ModelArtifacts"]["S3ModelArtifacts"]
    assert model == f"s3://{workshop.bucket}/out/{done['TrainingJobName']}/output/model.tar.gz"
    assert workshop.archive(model) == {"weights.txt": "data/a.txtdata/deep/b.txt"}
    assert workshop.archive(model.replace("model.tar.gz", "output.tar.gz")) == {"notes.txt": "notes"}
    assert [(each["MetricName"], each["Value"]) for each in done["FinalMetricDataList"]] == [("loss", 1.5)]
    lines = log_lines(workshop.cloud, "/aws/sagemaker/TrainingJobs", done["TrainingJobName"])
    assert "argv ['train']" in lines
    assert lines[-3:] == ["epoch loss=3;", "epoch loss=2;", "epoch loss=1.5;"]


def test_a_job_gets_its_role_and_nothing_of_the_server(workshop: Workshop) -> None:
    done = workshop.train(
        InputDataConfig=[channel("train", f"s3://{workshop.bucket}/data/a.txt")], Environment={"MINE": "1"}
    )
    lines = log_lines(workshop.cloud, "/aws/sagemaker/TrainingJobs", done["TrainingJobName"])
    names = next(line for line in lines if line.startswith("environment"))
    assert {"MINE", "GREETING", "AWS_SESSION_TOKEN", "TRAINING_JOB_NAME", "AWS_CA_BUNDLE"} <= set(
        json.loads(names.removeprefix("environment ").replace("'", '"'))
    )
    assert "STATE_DIR" not in names.replace("TRAINYARD_STATE_DIR", "STATE_DIR")


def test_the_reason_of_a_failure_is_what_the_container_wrote(workshop: Workshop) -> None:
    done = workshop.train("fail")
    assert done["TrainingJobStatus"] == "Failed"
    assert done["FailureReason"] == "AlgorithmError: the data has no rows, exit code: 3"


def test_without_a_written_reason_the_last_lines_tell(workshop: Workshop) -> None:
    done = workshop.train("crash")
    assert "ValueError: no such thing" in done["FailureReason"]
    assert done["FailureReason"].endswith("exit code: 1")


def test_a_job_over_its_time_is_stopped_and_keeps_its_model(workshop: Workshop) -> None:
    done = workshop.train("sleep", StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert (done["TrainingJobStatus"], done["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert workshop.archive(done["ModelArtifacts"]["S3ModelArtifacts"]) == {"part.txt": "half"}


def test_stop(workshop: Workshop) -> None:
    client = workshop.cloud.client("sagemaker")
    name = unique("stopped")
    request = training_request(name, image=workshop.image, role=workshop.role, bucket_name=workshop.bucket)
    client.create_training_job(**request, HyperParameters={"what": "sleep"})
    client.stop_training_job(TrainingJobName=name)
    done = until_ended(workshop.cloud, "Training", name)
    assert done["TrainingJobStatus"] == "Stopped"
    client.stop_training_job(TrainingJobName=name)


def test_checkpoints_come_back_in_the_next_job(workshop: Workshop) -> None:
    config = {"CheckpointConfig": {"S3Uri": f"s3://{workshop.bucket}/checkpoints/{unique('c')}"}}
    first, second = workshop.train("checkpoint", **config), workshop.train("checkpoint", **config)
    assert workshop.archive(first["ModelArtifacts"]["S3ModelArtifacts"]) == {"seen.txt": "[]"}
    assert workshop.archive(second["ModelArtifacts"]["S3ModelArtifacts"]) == {"seen.txt": "['7']"}


def test_output_the_role_may_not_write_fails_the_job_naming_the_permission(workshop: Workshop) -> None:
    allowed = statements(workshop.bucket, write="elsewhere/*")
    role = workshop.cloud.role(unique("reader"), "sagemaker.amazonaws.com", allowed)
    done = Workshop(workshop.cloud, workshop.image, workshop.bucket, role).train()
    assert done["TrainingJobStatus"] == "Failed"
    assert "AccessDenied" in done["FailureReason"]
    assert f"s3:PutObject on resource: arn:aws:s3:::{workshop.bucket}/out/" in done["FailureReason"]


@pytest.mark.parametrize("missing", ["s3:ListBucket", "s3:GetObject"])
def test_input_the_role_may_not_read_fails_the_job_naming_the_permission(workshop: Workshop, missing: str) -> None:
    allowed = [each for each in statements(workshop.bucket) if each["Action"] != missing]
    role = workshop.cloud.role(unique("blind"), "sagemaker.amazonaws.com", allowed)
    shop = Workshop(workshop.cloud, workshop.image, workshop.bucket, role)
    done = shop.train(InputDataConfig=[channel("train", f"s3://{workshop.bucket}/data")])
    assert f"not authorized to perform: {missing} on resource: arn:aws:s3:::{workshop.bucket}" in done["FailureReason"]


def test_an_image_that_was_never_pushed_fails_the_job(workshop: Workshop) -> None:
    shop = Workshop(workshop.cloud, workshop.image + "x", workshop.bucket, workshop.role)
    assert "Cannot pull" in shop.train()["FailureReason"]


def test_a_role_without_pull_permission_fails_the_job(workshop: Workshop) -> None:
    allowed = [each for each in statements(workshop.bucket) if "ecr:Get*" not in each["Action"]]
    role = workshop.cloud.role(unique("puller"), "sagemaker.amazonaws.com", allowed)
    done = Workshop(workshop.cloud, workshop.image, workshop.bucket, role).train()
    assert "ecr:GetAuthorizationToken" in done["FailureReason"]


def test_a_prefix_without_objects_fails_the_job(workshop: Workshop) -> None:
    done = workshop.train(InputDataConfig=[channel("train", f"s3://{workshop.bucket}/nothing")])
    assert "No S3 objects found" in done["FailureReason"]


def test_a_role_that_does_not_trust_sagemaker_is_refused_at_once(workshop: Workshop, tmp_path: Path) -> None:
    role = workshop.cloud.role(unique("lambda"), "lambda.amazonaws.com", statements(workshop.bucket))
    request = training_request(unique("j"), image=workshop.image, role=role, bucket_name=workshop.bucket)
    with pytest.raises(ClientError, match="does not trust"):
        workshop.cloud.client("sagemaker").create_training_job(**request)


def test_names_are_unique_and_lists_find_them(workshop: Workshop) -> None:
    done = workshop.train("crash")
    client = workshop.cloud.client("sagemaker")
    name = done["TrainingJobName"]
    request = training_request(name, image=workshop.image, role=workshop.role, bucket_name=workshop.bucket)
    with pytest.raises(client.exceptions.ResourceInUse):
        client.create_training_job(**request)
    found = client.list_training_jobs(NameContains=name, StatusEquals="Failed")["TrainingJobSummaries"]
    assert [each["TrainingJobName"] for each in found] == [name]
    assert client.list_training_jobs(NameContains=name, StatusEquals="Completed")["TrainingJobSummaries"] == []


def test_a_state_machine_trains_and_a_stopped_job_fails_its_state(workshop: Workshop) -> None:
    allowed = [
        {"Effect": "Allow", "Action": ["sagemaker:*", "events:*"], "Resource": "*"},
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": workshop.role},
    ]
    role = workshop.cloud.role(unique("machine"), "states.amazonaws.com", allowed)

    def run(what: str, seconds: int) -> dict[str, object]:
        request = training_request(
            unique("job"),
            image=workshop.image,
            role=workshop.role,
            bucket_name=workshop.bucket,
            HyperParameters={"what": what},
            InputDataConfig=[channel("train", f"s3://{workshop.bucket}/data/")],
            StoppingCondition={"MaxRuntimeInSeconds": seconds},
        )
        resource = "arn:aws:states:::sagemaker:createTrainingJob.sync"
        task = {"Type": "Task", "Resource": resource, "Arguments": request, "End": True}
        machine = workshop.cloud.machine(unique("m"), {"StartAt": "Train", "States": {"Train": task}}, role)
        return workshop.cloud.run(machine)

    done = run("train", 60)
    assert done["status"] == "SUCCEEDED", done
    output = json.loads(done["output"])
    assert output["SecondaryStatus"] == "Completed"
    assert output["FinalMetricDataList"][0]["Value"] == 1.5
    late = run("sleep", 1)
    assert late["error"] == "States.TaskFailed"
    assert json.loads(late["cause"])["SecondaryStatus"] == "MaxRuntimeExceeded"
