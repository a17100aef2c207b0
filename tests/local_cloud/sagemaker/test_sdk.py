"""The SageMaker SDK's own resources work with what the local cloud holds, by the session that `yard.session` gives."""

from __future__ import annotations

import io
import json
import tarfile

import pytest
from sagemaker.core.resources import Endpoint, EndpointConfig, Model, ModelPackage, ModelPackageGroup, TrainingJob
from sagemaker.core.shapes import (
    AlgorithmSpecification,
    Channel,
    ContainerDefinition,
    DataSource,
    OutputDataConfig,
    ProductionVariant,
    ResourceConfig,
    S3DataSource,
    StoppingCondition,
)

from trainyard.client.local_session import LocalSession

from ..conftest import Cloud
from ..tiny_images import bucket, push, statements, unique

TRAINS = """
import os, pathlib
ml = pathlib.Path(os.environ["TRAINYARD_ML_ROOT"])
(ml / "model/word.txt").write_text((ml / "input/data/train/word.txt").read_text().upper())
print("loss=0.5;", flush=True)
"""
SERVES = """
import os, pathlib
from http.server import BaseHTTPRequestHandler, HTTPServer

word = (pathlib.Path(os.environ["TRAINYARD_ML_ROOT"]) / "model/word.txt").read_bytes()

class Handler(BaseHTTPRequestHandler):
    def answer(self):
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(word + asked)))
        self.end_headers()
        self.wfile.write(word + asked)
    do_GET = do_POST = answer

HTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def sdk(local_cloud: Cloud) -> dict[str, object]:
    """What every call of the SDK takes: which cloud it is."""
    return {"session": LocalSession(local_cloud.environment), "region": "us-east-1"}


@pytest.fixture(scope="module")
def trained(local_cloud: Cloud, sdk: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> TrainingJob:
    store = bucket(local_cloud)
    local_cloud.client("s3").put_object(Bucket=store, Key="data/word.txt", Body=b"hello ")
    source = S3DataSource(s3_data_type="S3Prefix", s3_uri=f"s3://{store}/data/")
    job = TrainingJob.create(
        training_job_name=unique("job"),
        role_arn=local_cloud.role(unique("trainer"), "sagemaker.amazonaws.com", statements(store)),
        algorithm_specification=AlgorithmSpecification(
            training_image=push(local_cloud, tmp_path_factory.mktemp("trains"), TRAINS), training_input_mode="File"
        ),
        input_data_config=[Channel(channel_name="train", data_source=DataSource(s3_data_source=source))],
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{store}/out"),
        resource_config=ResourceConfig(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=10),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=60),
        **sdk,
    )
    job.wait(poll=1, logs=False)
    return job


def test_a_training_job_is_started_followed_and_found(
    local_cloud: Cloud, sdk: dict[str, object], trained: TrainingJob
) -> None:
    found = TrainingJob.get(trained.training_job_name, **sdk)
    assert found.training_job_status == "Completed"
    listed = TrainingJob.get_all(name_contains=trained.training_job_name, **sdk)
    assert [each.training_job_name for each in listed] == [trained.training_job_name]
    where, _, key = found.model_artifacts.s3_model_artifacts.removeprefix("s3://").partition("/")
    body = local_cloud.client("s3").get_object(Bucket=where, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        assert archive.extractfile("word.txt").read() == b"HELLO "


def test_a_model_package_that_was_registered_is_found_approved_and_listed(
    local_cloud: Cloud, sdk: dict[str, object], trained: TrainingJob
) -> None:
    """Made by boto3, as by the workflow: the SDK's own `create` reads a name out of an answer that has none."""
    group = unique("group")
    ModelPackageGroup.create(model_package_group_name=group, **sdk)
    container = {"Image": "image:tag", "ModelDataUrl": trained.model_artifacts.s3_model_artifacts}
    inference = {
        "Containers": [container],
        "SupportedContentTypes": ["text/plain"],
        "SupportedResponseMIMETypes": ["text/plain"],
    }
    arn = local_cloud.client("sagemaker").create_model_package(
        ModelPackageGroupName=group,
        InferenceSpecification=inference,
        ModelApprovalStatus="PendingManualApproval",
        CustomerMetadataProperties={"accuracy": "0.9"},
    )["ModelPackageArn"]
    ModelPackage.get(arn, **sdk).update(model_approval_status="Approved")
    found = ModelPackage.get(arn, **sdk)
    assert (found.model_package_version, found.model_approval_status) == (1, "Approved")
    assert found.customer_metadata_properties == {"accuracy": "0.9"}
    assert found.inference_specification.containers[0].model_data_url == container["ModelDataUrl"]
    listed = list(ModelPackage.get_all(model_package_group_name=group, **sdk))
    assert [each.model_package_arn for each in listed] == [arn]


def test_an_endpoint_is_made_asked_and_deleted(
    local_cloud: Cloud, sdk: dict[str, object], trained: TrainingJob, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """`Endpoint.invoke` is the third version's successor of `Predictor.predict`."""
    name, url = unique("served"), trained.model_artifacts.s3_model_artifacts
    store = url.removeprefix("s3://").partition("/")[0]
    role = local_cloud.role(unique("server"), "sagemaker.amazonaws.com", statements(store))
    image = push(local_cloud, tmp_path_factory.mktemp("serves"), SERVES)
    container = ContainerDefinition(image=image, model_data_url=url)
    Model.create(model_name=name, primary_container=container, execution_role_arn=role, **sdk)
    variant = ProductionVariant(
        variant_name="one", model_name=name, instance_type="ml.m5.large", initial_instance_count=1
    )
    EndpointConfig.create(endpoint_config_name=name, production_variants=[variant], **sdk)
    endpoint = Endpoint.create(endpoint_name=name, endpoint_config_name=name, **sdk)
    endpoint.wait_for_status("InService", poll=1)
    answer = Endpoint.get(name, **sdk).invoke(body=b"you", content_type="text/plain", **sdk)
    assert answer.body.read() == b"HELLO you"
    endpoint.delete()
    endpoint.wait_for_delete(poll=1)
    assert json.dumps([each.endpoint_name for each in Endpoint.get_all(name_contains=name, **sdk)]) == "[]"
