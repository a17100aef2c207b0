"""What starting, finding and ending a local cloud decides without a server: ports, folders, records, variables."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from local_cloud import access, launch, lifecycle, ownership, ports, root_key, state
from local_cloud.deliveries import making
from local_cloud.lifecycle import LocalCloud
from trainyard.errors import ConfigError, TrainyardError

CLOUD = LocalCloud(
    endpoint="https://localhost:4566",
    ca_bundle="/ca.pem",
    region="us-east-1",
    account="000000000000",
    pid=1,
    access_key_id="AKIAEXAMPLE",
    secret_access_key="hidden",
)


@pytest.mark.parametrize(
    ("shell", "expected"),
    [
        ({}, "localhost,.localhost,127.0.0.1,::1"),
        ({"NO_PROXY": "a, b", "no_proxy": "b,c"}, "a,b,c,localhost,.localhost,127.0.0.1,::1"),
        ({"NO_PROXY": "localhost"}, "localhost,.localhost,127.0.0.1,::1"),
    ],
)
def test_this_machine_is_reached_without_a_proxy(shell: dict[str, str], expected: str) -> None:
    variables = lifecycle.environment(CLOUD, shell)
    assert variables["NO_PROXY"] == variables["no_proxy"] == expected
    assert variables["AWS_ACCESS_KEY_ID"] == "AKIAEXAMPLE"


def test_the_secret_is_in_no_message() -> None:
    assert "hidden" not in repr(CLOUD)
    assert "hidden" not in repr(root_key.RootKey(access_key_id="AKIAEXAMPLE", secret_access_key="hidden"))


def test_the_last_port_is_preferred_and_a_hundred_are_tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert ownership.last_port(tmp_path) is None
    (tmp_path / ownership.LOCK_FILE).write_text(json.dumps({"port": 4600}))
    assert ownership.last_port(tmp_path) == 4600
    monkeypatch.setattr(ports, "PATIENCE_SECONDS", 0.0)
    taken = {4600, 4566, 4567}
    monkeypatch.setattr(ports, "why_taken", lambda port: "in use" if port in taken else None)
    assert (ports.choose(4600), ports.choose(4601)) == (4568, 4601)
    taken |= set(range(4566, 4666))
    with pytest.raises(TrainyardError, match="all from 4566 to 4665 taken; name a free one with --port"):
        ports.choose(4600)


def test_a_server_is_started_with_the_settings_meant_for_it_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given: list[dict[str, str]] = []
    monkeypatch.setattr(launch.subprocess, "Popen", lambda _command, *, env, **_: given.append(env))
    monkeypatch.setattr(launch, "_started", [])
    for name in ("TRAINYARD_RETRY_WAIT_SECONDS", "AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "7")
    launch.spawn(tmp_path, 4566, containers=None)
    assert given[0]["TRAINYARD_RETRY_WAIT_SECONDS"] == "7"
    assert not {"AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY"} & set(given[0])


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf"])
def test_a_wait_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(making.WAIT_VARIABLE, text)
    with pytest.raises(ConfigError, match=f"Expected TRAINYARD_RETRY_WAIT_SECONDS to be a number .*found '{text}'"):
        making.wait_seconds()


@pytest.mark.parametrize(("text", "seconds"), [("", 1.0), ("0", 0.0), (" 2.5 ", 2.5)])
def test_a_wait_is_a_second_unless_another_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, text: str, seconds: float
) -> None:
    monkeypatch.setenv(making.WAIT_VARIABLE, text)
    assert making.wait_seconds() == seconds


def test_who_listens_is_told_by_name_only_when_it_is_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert ports.holder(port) == "another program"
        monkeypatch.setattr(ports, "_listener", lambda _port: 987654)
        assert ports.holder(port) == "a program of the user 987654"


@pytest.mark.parametrize("folder", [Path.home(), Path("/")])
def test_a_folder_that_holds_other_things_is_not_closed(folder: Path) -> None:
    mode = folder.stat().st_mode
    with pytest.raises(TrainyardError, match="only the local cloud uses"):
        state.prepare(folder)
    assert folder.stat().st_mode == mode


def test_private_files_are_private_from_their_first_byte(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("old")
    file.chmod(0o644)
    state.write_private(file, "new")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new", 0o600)
    assert [each.name for each in tmp_path.iterdir()] == ["secret"]


@pytest.mark.parametrize(
    ("method", "path", "closed"),
    [
        ("GET", "/_ministack/health", False),
        ("POST", "/_ministack/health", True),
        ("PUT", "/_ministack/cfn-response/token", False),
        ("GET", "/_ministack/cfn-response/token", True),
        ("POST", "/_ministack/reset", True),
        ("GET", "/_localstack/health", True),
        ("GET", "/health", True),
        ("GET", "/v2/", True),
        ("PUT", "/v2/image/blobs/uploads/", True),
        ("POST", "/v2/apis", False),
        ("GET", "/bucket/v2/blobs/x", False),
        ("GET", "/", False),
    ],
)
def test_only_services_of_aws_are_open(method: str, path: str, closed: bool) -> None:
    assert access.is_closed(method, path) is closed


def test_two_cannot_own_one_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(ownership.signal, "signal", lambda *_: None)
    monkeypatch.setattr(ownership.os, "umask", lambda _: 0)
    with ownership.owned(tmp_path, 4566) as owner:
        assert ownership.owner_of(tmp_path) == owner
        with pytest.raises(ownership.Taken), ownership.owned(tmp_path, 4567):
            raise AssertionError("owned twice")
        with pytest.raises(ownership.Taken):
            ownership.clear(tmp_path)
    assert ownership.owner_of(tmp_path) is None
    assert ownership.clear(tmp_path) is None


def test_a_lock_that_tells_nothing_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "TELLING_SECONDS", 0.1)
    with ownership._locked(tmp_path), pytest.raises(TrainyardError, match=r"Expected .*server\.lock to tell which"):
        ownership.owner_of(tmp_path)


def test_a_server_of_another_container_is_not_ended_by_its_number(tmp_path: Path) -> None:
    with ownership._locked(tmp_path) as lock:
        ownership._describe(tmp_path, lock, owner=ownership.Owner(pid=1, started="elsewhere", port=4566))
        with pytest.raises(TrainyardError, match="another container or machine runs it"):
            lifecycle.down(tmp_path)


def test_no_other_secret_ever_stands_in_place_of_the_one_a_function_signs_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registered: list[tuple[str, str, str]] = []

    def register(key: str, session: dict[str, str]) -> None:
        registered.append((key, session["SecretAccessKey"], session["SessionToken"]))

    monkeypatch.setattr("ministack.services.sts.register_session", register)
    function = {
        "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:resolve",
        "FunctionName": "resolve",
        "Role": "arn:aws:iam::000000000000:role/resolve-role",
    }
    issue = access.credentials_of_functions(b"of this server")
    given = [tuple(issue(function).values()) for _ in range(2)]
    assert registered == given
    assert len(set(registered)) == 1
    assert issue(function) != access.credentials_of_functions(b"of another")(function)
    assert issue(function) != issue({**function, "Role": function["Role"] + "2"})


def test_policies_may_limit_metrics_to_a_namespace() -> None:
    known = access.with_namespace(lambda *_: {"aws:TagKeys": []})
    body = b'{"Namespace": "trainyard-dev/prod2vec", "MetricData": []}'
    found = known("monitoring", "cloudwatch:PutMetricData", body, {})
    assert found == {"aws:TagKeys": [], "cloudwatch:namespace": "trainyard-dev/prod2vec"}
    assert known("monitoring", "cloudwatch:ListMetrics", body, {}) == {"aws:TagKeys": []}
    assert known("monitoring", "cloudwatch:PutMetricData", b"\xa1", {})["cloudwatch:namespace"] == ""
