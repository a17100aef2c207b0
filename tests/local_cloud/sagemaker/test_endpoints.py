"""Endpoints run a real server process, answer InvokeEndpoint, and change their model without a failed call."""

from __future__ import annotations

import io
import json
import tarfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_cloud import lifecycle
from tests.local_cloud.processes import runs

from ..conftest import Cloud, start_cloud
from ..tiny_images import bucket, log_lines, push, statements, unique

PROGRAM = """
import json, os, pathlib, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

word = (pathlib.Path(os.environ["TRAINYARD_ML_ROOT"]) / "model" / "word.txt").read_text()
assert sys.argv[1:] == ["serve"], sys.argv
print("model says", word, "pid", os.getpid(), flush=True)
if word == "broken":
    sys.exit("cannot load this model")

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(200, b"{}")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        given = json.loads(body) if self.headers["Content-Type"] == "application/json" else {"text": body.decode()}
        if "exit" in given:
            os._exit(3)
        if "status" in given:
            return self.answer(given["status"], b'{"error": "the model said so"}')
        if "large" in given:
            return self.answer(200, b"x" * given["large"])
        time.sleep(given.get("seconds", 0))
        told = {"word": word, "given": given, "accept": self.headers["Accept"], "pid": os.getpid(),
                "key": os.environ["AWS_ACCESS_KEY_ID"][:4], "greeting": os.environ["GREETING"],
                "mood": os.environ.get("MOOD")}
        self.answer(200, json.dumps(told).encode())
    def log_message(self, *arguments):
        pass

ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


@dataclass
class Host:
    """A cloud with an image, a bucket and a role to serve models with."""

    cloud: Cloud
    store: str
    image: str
    role: str
    runtime: Any

    @property
    def client(self) -> Any:
        return self.cloud.client("sagemaker")

    def model(self, word: str, **more: Any) -> str:
        """A model whose archive holds `word`; returns its name."""
        name, content = unique("model"), io.BytesIO()
        with tarfile.open(fileobj=content, mode="w:gz") as archive:
            member = tarfile.TarInfo("word.txt")
            member.size = len(word)
            archive.addfile(member, io.BytesIO(word.encode()))
        self.cloud.client("s3").put_object(Bucket=self.store, Key=f"{name}/model.tar.gz", Body=content.getvalue())
        container = {"Image": self.image, "ModelDataUrl": f"s3://{self.store}/{name}/model.tar.gz"}
        container["Environment"] = {"MOOD": "calm"}
        self.client.create_model(ModelName=name, ExecutionRoleArn=self.role, PrimaryContainer=container, **more)
        return name

    def config(self, word: str, *, concurrency: int = 0, **more: Any) -> str:
        """A configuration on one instance, or serverless where `concurrency` is given; returns its name."""
        size = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        if concurrency:
            size = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": concurrency}}
        name = unique("config")
        variant = {"VariantName": "all", "ModelName": self.model(word), **size, **more}
        self.client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
        return name

    def endpoint(self, word: str, **more: Any) -> str:
        """An endpoint in service; returns its name."""
        name = unique("endpoint")
        self.client.create_endpoint(EndpointName=name, EndpointConfigName=self.config(word, **more))
        assert self.settled(name)["EndpointStatus"] == "InService"
        return name

    def settled(self, name: str, *, seconds: float = 30) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            described: dict[str, Any] = self.client.describe_endpoint(EndpointName=name)
            if described["EndpointStatus"] in {"InService", "Failed"}:
                return described
            time.sleep(0.05)
        raise AssertionError(f"{name} is still {described['EndpointStatus']}")

    def gone(self, name: str) -> None:
        deadline = time.monotonic() + 30
        while name in [each["EndpointName"] for each in self.client.list_endpoints()["Endpoints"]]:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def ask(self, name: str, document: Any = None, **more: Any) -> Any:
        """The endpoint's answer to a JSON document."""
        options = {"ContentType": "application/json", "Body": json.dumps(document or {}), **more}
        return json.loads(self.runtime.invoke_endpoint(EndpointName=name, **options)["Body"].read())


def runtime_of(cloud: Cloud, **credentials: str) -> Any:
    """A runtime client that tries once; root's unless credentials are given."""
    return boto3.Session().client(
        "sagemaker-runtime",
        endpoint_url=cloud.endpoint,
        region_name=cloud.cloud.region,
        verify=cloud.cloud.ca_bundle,
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=20),
        **(credentials or cloud.root),
    )


def host_of(cloud: Cloud, folder: Path) -> Host:
    store = bucket(cloud)
    role = cloud.role(unique("server"), "sagemaker.amazonaws.com", statements(store))
    return Host(cloud, store, push(cloud, folder, PROGRAM), role, runtime_of(cloud))


@pytest.fixture(scope="module")
def host(local_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    made = host_of(local_cloud, tmp_path_factory.mktemp("image"))
    yield made
    for each in made.client.list_endpoints()["Endpoints"]:
        made.settled(each["EndpointName"])
        made.client.delete_endpoint(EndpointName=each["EndpointName"])
        made.gone(each["EndpointName"])


def test_an_endpoint_serves_its_model_as_the_models_role(host: Host) -> None:
    name = unique("endpoint")
    tags = [{"Key": "run", "Value": "r1"}]
    arn = host.client.create_endpoint(EndpointName=name, EndpointConfigName=host.config("ready"), Tags=tags)[
        "EndpointArn"
    ]
    assert host.client.describe_endpoint(EndpointName=name)["EndpointStatus"] == "Creating"
    described = host.settled(name)
    assert (described["EndpointStatus"], described["EndpointArn"]) == ("InService", arn)
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert host.client.list_tags(ResourceArn=arn)["Tags"] == tags
    told = host.ask(name, {"a": 1}, Accept="text/csv")
    assert {**told, "pid": 0} == {
        "word": "ready", "given": {"a": 1}, "accept": "text/csv", "pid": 0, "key": "ASIA",
        "greeting": "hello", "mood": "calm",
    }  # fmt: skip
    raw = host.runtime.invoke_endpoint(EndpointName=name, ContentType="text/csv", Body="1,2")
    assert (raw["ContentType"], raw["InvokedProductionVariant"]) == ("application/json", "all")
    assert json.loads(raw["Body"].read())["given"] == {"text": "1,2"}
    # Lines are sent twice a second.
    deadline = time.monotonic() + 5
    while not (lines := log_lines(host.cloud, f"/aws/sagemaker/Endpoints/{name}", "all/i-")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert lines[0].startswith("model says ready")


def test_what_the_container_refuses_is_a_model_error(host: Host) -> None:
    name = host.endpoint("ready")
    for status, side in ((422, "client"), (500, "server")):
        with pytest.raises(ClientError, match=rf"{side} error \({status}\)") as caught:
            host.ask(name, {"status": status})
        answer = caught.value.response
        assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == ("ModelError", 424)
        assert (answer["OriginalStatusCode"], json.loads(answer["OriginalMessage"])) == (
            status,
            {"error": "the model said so"},
        )
    with pytest.raises(ClientError, match="has exceeded limit"):
        host.ask(name, {"text": "x" * 26 * 1024 * 1024})
    with pytest.raises(ClientError, match=r"Endpoint nothing-here of account \d+ not found"):
        host.ask("nothing-here")


def test_a_container_that_ends_is_started_again(host: Host) -> None:
    name = host.endpoint("ready")
    first = host.ask(name)["pid"]
    with pytest.raises(ClientError, match="ModelError"):
        host.ask(name, {"exit": True})
    deadline = time.monotonic() + 20
    while True:
        try:
            assert host.ask(name)["pid"] != first
            return
        except ClientError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_serverless_limits_size_and_calls_at_a_time(host: Host) -> None:
    name = host.endpoint("ready", concurrency=1)
    shown = host.client.describe_endpoint(EndpointName=name)["ProductionVariants"][0]
    assert shown["CurrentServerlessConfig"] == {"MemorySizeInMB": 1024, "MaxConcurrency": 1}
    with pytest.raises(ClientError, match=r"exceeded limit 4194304 bytes"):
        host.ask(name, {"text": "x" * 5 * 1024 * 1024})
    with pytest.raises(ClientError, match="ModelError"):
        host.ask(name, {"large": 5 * 1024 * 1024})
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(host.ask, name, {"seconds": 1}) for _ in range(3)]
    refused = [str(each.exception()) for each in calls if each.exception()]
    assert 0 < len(refused) < 3
    assert all("ThrottlingException" in each for each in refused)
    assert host.ask(name)["word"] == "ready"


def test_a_container_that_does_not_start_fails_the_endpoint_and_says_why(host: Host) -> None:
    name = unique("endpoint")
    host.client.create_endpoint(EndpointName=name, EndpointConfigName=host.config("broken"))
    described = host.settled(name)
    assert described["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in described["FailureReason"]
    assert "cannot load this model" in described["FailureReason"]
    with pytest.raises(ClientError, match="in status Failed"):
        host.client.update_endpoint(EndpointName=name, EndpointConfigName=host.config("ready"))
    host.client.delete_endpoint(EndpointName=name)
    host.gone(name)


def test_an_update_under_load_fails_no_call_and_a_bad_one_changes_nothing(host: Host) -> None:
    name = host.endpoint("one")
    words: list[str] = []
    failures: list[BaseException] = []
    ending = threading.Event()

    def call() -> None:
        while not ending.is_set():
            try:
                answer = host.runtime.invoke_endpoint(
                    EndpointName=name, ContentType="application/json", Body=b'{"seconds": 0.02}'
                )
                words.append(json.loads(answer["Body"].read())["word"])
            except Exception as error:
                failures.append(error)

    callers = [threading.Thread(target=call) for _ in range(6)]
    for each in callers:
        each.start()
    try:
        time.sleep(0.5)
        before = host.client.describe_endpoint(EndpointName=name)["EndpointConfigName"]
        host.client.update_endpoint(EndpointName=name, EndpointConfigName=host.config("broken"))
        described = host.settled(name)
        assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", before)
        assert "cannot load this model" in described["FailureReason"]
        second = host.config("two")
        host.client.update_endpoint(EndpointName=name, EndpointConfigName=second)
        with pytest.raises(ClientError, match="in-progress"):
            host.client.delete_endpoint(EndpointName=name)
        described = host.settled(name)
        assert (described["EndpointConfigName"], "FailureReason" in described) == (second, False)
        time.sleep(0.5)
    finally:
        ending.set()
        for each in callers:
            each.join()
    assert failures == []
    assert words[0] == "one"
    assert words[-1] == "two"
    assert set(words) == {"one", "two"}


def test_configurations_are_checked(host: Host) -> None:
    isolated = host.model("ready", EnableNetworkIsolation=True)
    serverless = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}
    cases = (
        ({"ModelName": "no-such-model", **serverless}, "Could not find model"),
        ({"ModelName": isolated, **serverless}, "Network isolation"),
        ({"ModelName": isolated}, "either ServerlessConfig or InstanceType"),
    )
    for variant, problem in cases:
        with pytest.raises(ClientError, match=problem):
            host.client.create_endpoint_config(
                EndpointConfigName=unique("config"), ProductionVariants=[{"VariantName": "all", **variant}]
            )
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        host.client.create_endpoint(EndpointName=unique("endpoint"), EndpointConfigName="no-such-config")


def test_calls_and_changes_need_permission_on_the_endpoint(host: Host) -> None:
    allowed, other, config = host.endpoint("ready"), host.endpoint("ready"), host.config("ready")
    start = "arn:aws:sagemaker:us-east-1:000000000000"
    policy = [
        {"Effect": "Allow", "Action": ["sagemaker:InvokeEndpoint", "sagemaker:UpdateEndpoint"],
         "Resource": f"{start}:endpoint/{allowed}"},
    ]  # fmt: skip
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    iam, name = host.cloud.client("iam"), unique("caller")
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    iam.put_role_policy(
        RoleName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": policy})
    )
    given = host.cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    keys = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
    }
    runtime, client = runtime_of(host.cloud, **keys), host.cloud.client("sagemaker", **keys)
    call = {"ContentType": "application/json", "Body": b"{}"}
    assert runtime.invoke_endpoint(EndpointName=allowed, **call)["ResponseMetadata"]["HTTPStatusCode"] == 200
    with pytest.raises(ClientError, match="sagemaker:InvokeEndpoint"):
        runtime.invoke_endpoint(EndpointName=other, **call)
    # The form that MiniStack would take for the name of an action must not choose what the call is judged by.
    with pytest.raises(ClientError, match="sagemaker:InvokeEndpoint"):
        runtime.invoke_endpoint(
            EndpointName=other, ContentType="application/x-www-form-urlencoded", Body=b"Action=UpdateEndpoint"
        )
    with pytest.raises(ClientError, match="endpoint-config"):
        client.update_endpoint(EndpointName=allowed, EndpointConfigName=config)
    with pytest.raises(ClientError, match="sagemaker:DeleteEndpoint"):
        client.delete_endpoint(EndpointName=allowed)


def test_endpoints_come_back_with_the_cloud_and_leave_no_process(tmp_path: Path) -> None:
    cloud = start_cloud(tmp_path / "state")
    try:
        host = host_of(cloud, tmp_path / "image")
        name = host.endpoint("ready")
        first = host.ask(name)["pid"]
        # MiniStack's own state is written about once a second.
        time.sleep(2.5)
        assert lifecycle.down(cloud.state_dir)
        assert not runs(first)
        cloud.restarted()
        host.runtime = runtime_of(cloud)
        assert host.settled(name)["EndpointStatus"] == "InService"
        second = host.ask(name)
        assert (second["word"], second["pid"] != first) == ("ready", True)
        host.client.delete_endpoint(EndpointName=name)
        host.gone(name)
        assert not runs(second["pid"])
        with pytest.raises(ClientError, match="not found"):
            host.ask(name)
    finally:
        lifecycle.down(cloud.state_dir)
