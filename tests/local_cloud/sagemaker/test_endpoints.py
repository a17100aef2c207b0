"""Endpoints run a real server process, answer InvokeEndpoint, and change their model without a failed call."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local_cloud import lifecycle
from tests.local_cloud.processes import runs, until

from ..conftest import start_cloud
from ..tiny_images import log_lines, unique
from .tiny_models import Callers, Host, host_of, runtime_of


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
    with Callers(host, name) as callers:
        time.sleep(0.5)
        before = host.client.describe_endpoint(EndpointName=name)["EndpointConfigName"]
        with pytest.raises(ClientError, match="from instance-based to serverless"):
            host.client.update_endpoint(EndpointName=name, EndpointConfigName=host.config("two", concurrency=1))
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
    assert callers.failures == []
    assert callers.words[0] == "one"
    assert callers.words[-1] == "two"
    assert set(callers.words) == {"one", "two"}


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


def shadow_answers(host: Host, name: str, notes: Path) -> int:
    """Call an endpoint, and wait for its shadow to be asked as well; returns the process of the shadow."""
    assert host.ask(name, {"note": str(notes)})["word"] == "ready"
    asked = until(lambda: [each for each in map(json.loads, notes.read_text().splitlines()) if each["word"] != "ready"])
    assert len(asked) == 1
    notes.unlink()
    return int(asked[0]["pid"])


def kill_during_a_roll_out(host: Host, name: str) -> None:
    """The cloud comes back with the old version, says so, and takes the next update."""
    cloud = host.cloud
    before, following = host.client.describe_endpoint(EndpointName=name)["EndpointConfigName"], host.config("next")
    routing = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 600}
    config = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}
    host.client.update_endpoint(EndpointName=name, EndpointConfigName=following, DeploymentConfig=config)
    host.stage(name, "Baking")
    assert host.ask(name)["word"] == "next"
    os.kill(cloud.cloud.pid, signal.SIGKILL)
    while lifecycle.status(cloud.state_dir):
        time.sleep(0.01)
    cloud.restarted()
    host.runtime = runtime_of(cloud)
    described = host.settled(name)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", before)
    assert f"before the update to configuration {following} was done" in described["FailureReason"]
    assert host.ask(name)["word"] == "ready"


def test_endpoints_come_back_with_the_cloud_and_leave_no_process(tmp_path: Path) -> None:
    cloud = start_cloud(tmp_path / "state")
    try:
        host = host_of(cloud, tmp_path / "image")
        name, notes = host.endpoint("ready", shadow="hanging"), tmp_path / "notes"
        first, shadow = host.ask(name)["pid"], shadow_answers(host, name, notes)
        # MiniStack's own state is written about once a second.
        time.sleep(2.5)
        assert lifecycle.down(cloud.state_dir)
        assert not runs(first)
        assert not runs(shadow)
        cloud.restarted()
        host.runtime = runtime_of(cloud)
        assert host.settled(name)["EndpointStatus"] == "InService"
        second = host.ask(name)
        assert (second["word"], second["pid"] != first) == ("ready", True)
        kill_during_a_roll_out(host, name)
        second, shadow = host.ask(name), shadow_answers(host, name, notes)
        host.client.delete_endpoint(EndpointName=name)
        host.gone(name)
        assert not runs(second["pid"])
        assert not runs(shadow)
        with pytest.raises(ClientError, match="not found"):
            host.ask(name)
    finally:
        lifecycle.down(cloud.state_dir)
