"""The server process: start, port, state across an orderly end and a kill, TLS, the command line tools."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local_cloud import certificates, launch, lifecycle
from tests.local_cloud.conftest import Cloud, free_port, start_cloud
from tests.local_cloud.processes import only_linux_tells, servers_of
from trainyard.errors import TrainyardError

PUT = {
    "Type": "Task",
    "Resource": "arn:aws:states:::aws-sdk:s3:putObject",
    "Arguments": {"Bucket": "{% $states.input.bucket %}", "Key": "done", "Body": "text"},
}
PASSING = {"StartAt": "Only", "States": {"Only": {"Type": "Pass", "Output": {"ok": True}, "End": True}}}
WAITING = {
    "StartAt": "Prepare",
    "States": {
        "Prepare": {"Type": "Pass", "Assign": {"kept": "{% $states.input.value %}"}, "Next": "Wait"},
        "Wait": {"Type": "Wait", "Seconds": "{% $exists($states.context.Execution.RedriveCount) ? 0 : 60 %}",
                 "Output": {"kept": "{% $kept %}"}, "End": True},
    },
}  # fmt: skip


@pytest.fixture
def own_cloud(tmp_path: Path):
    cloud = start_cloud(tmp_path / "state")
    yield cloud
    lifecycle.down(cloud.state_dir)


def test_what_it_holds_survives_an_orderly_end_and_a_kill(own_cloud: Cloud) -> None:
    s3, role = own_cloud.client("s3"), own_cloud.role("machine", "states.amazonaws.com", [])
    s3.create_bucket(Bucket="kept-bucket")
    s3.put_bucket_versioning(Bucket="kept-bucket", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="kept-bucket", Key="a b/ü.txt", Body=b"first")
    version = s3.put_object(Bucket="kept-bucket", Key="a b/ü.txt", Body=b"second")["VersionId"]
    passing = own_cloud.run(own_cloud.machine("passing", PASSING, role))
    assert lifecycle.down(own_cloud.state_dir) is True
    assert lifecycle.status(own_cloud.state_dir) is None

    own_cloud.restarted()
    s3 = own_cloud.client("s3")
    assert s3.get_object(Bucket="kept-bucket", Key="a b/ü.txt", VersionId=version)["Body"].read() == b"second"
    assert own_cloud.finished(passing["executionArn"])["output"] == json.dumps({"ok": True})
    waiting = own_cloud.start(own_cloud.machine("waiting", WAITING, role), {"value": 7})
    os.kill(own_cloud.cloud.pid, signal.SIGKILL)
    while lifecycle.status(own_cloud.state_dir):
        time.sleep(0.01)

    own_cloud.restarted()
    described = own_cloud.finished(waiting)
    assert (described["status"], described["error"]) == ("FAILED", "States.ServiceRestart")
    own_cloud.client("stepfunctions").redrive_execution(executionArn=waiting)
    described = own_cloud.finished(waiting)
    assert (described["status"], described["output"]) == ("SUCCEEDED", json.dumps({"kept": 7}))
    kinds = [event["type"] for event in own_cloud.events(waiting)]
    assert kinds.count("PassStateEntered") == 1


def test_an_end_interrupts_what_runs_at_once(own_cloud: Cloud) -> None:
    role = own_cloud.role("machine", "states.amazonaws.com", [])
    own_cloud.start(own_cloud.machine("waiting", WAITING, role), {"value": 1})
    started = time.monotonic()
    assert lifecycle.down(own_cloud.state_dir)
    assert time.monotonic() - started < 10


def test_a_second_up_finds_the_first(local_cloud: Cloud) -> None:
    assert lifecycle.up(local_cloud.state_dir, local_cloud.port) == local_cloud.cloud


def test_a_taken_port_is_one_clear_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(TrainyardError, match=rf"needs port {port} .* leave out --port"):
            lifecycle.up(tmp_path, port)
    assert lifecycle.status(tmp_path) is None


def test_it_listens_on_loopback_only(local_cloud: Cloud) -> None:
    only_linux_tells()
    listening = Path("/proc/net/tcp").read_text().splitlines()[1:] + Path("/proc/net/tcp6").read_text().splitlines()[1:]
    port = f":{local_cloud.port:04X}"
    addresses = {line.split()[1] for line in listening if line.split()[1].endswith(port) and line.split()[3] == "0A"}
    assert addresses == {f"0100007F{port}"}


def test_the_certificate_is_kept_and_made_anew_before_it_ends(tmp_path: Path, monkeypatch) -> None:
    first = certificates.ensure(tmp_path).chain.read_bytes()
    assert certificates.ensure(tmp_path).chain.read_bytes() == first
    monkeypatch.setattr(certificates, "RENEW_BEFORE", certificates.VALID_FOR)
    assert certificates.ensure(tmp_path).chain.read_bytes() != first
    assert (tmp_path / "server.key").stat().st_mode & 0o077 == 0


def test_the_environment_alone_is_enough_for_another_process(local_cloud: Cloud) -> None:
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    environment = {"PATH": os.environ["PATH"], "HOME": str(local_cloud.state_dir), **local_cloud.environment}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == local_cloud.cloud.account


def test_unknown_keys_are_refused(local_cloud: Cloud) -> None:
    client = local_cloud.client("sts", aws_access_key_id="AKIAUNKNOWN", aws_secret_access_key="x")
    with pytest.raises(client.exceptions.ClientError, match="security token included in the request is invalid"):
        client.get_caller_identity()


def test_a_moved_seam_is_one_clear_sentence() -> None:
    code = (
        "from local_cloud import seams\nseams.SEAMS['ministack.core.responses']['now_iso'] = ('zone',)\nseams.check()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "SeamMoved: MiniStack's ministack.core.responses.now_iso takes () where" in done.stderr


def test_a_port_is_free_again_after_the_end(tmp_path: Path) -> None:
    port = free_port()
    lifecycle.up(tmp_path, port)
    lifecycle.down(tmp_path)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


def test_ctrl_c_while_a_server_is_being_started_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spawn = launch.spawn

    def interrupted(*arguments, **named):
        process = spawn(*arguments, **named)
        os.kill(os.getpid(), signal.SIGINT)
        return process

    monkeypatch.setattr(launch, "spawn", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            lifecycle.up(tmp_path / "state", free_port())
    finally:
        signal.signal(signal.SIGINT, before)
    assert servers_of(tmp_path / "state") == []
