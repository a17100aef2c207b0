"""Starting and stopping the local cloud.

Real servers are started, raced, hung and killed, by real `trainyard` processes where a shell matters.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local_cloud import certificates, launch, lifecycle, ownership, ports, root_key, state
from local_cloud.jobs.workspace import Workspace
from tests.faults.conftest import Observation
from tests.local_cloud import sleeper
from tests.local_cloud.conftest import Cloud, free_port, start_cloud
from tests.local_cloud.processes import runs, servers_of, until
from trainyard.errors import TrainyardError

TRAINYARD = str(Path(sys.executable).with_name("trainyard"))
ROOT_ARN = "arn:aws:iam::000000000000:root"
CRASHED = "The last local cloud was not stopped with `trainyard down` (it crashed or was killed): "


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """One running local cloud for the faults that leave it whole."""
    running = start_cloud(tmp_path_factory.mktemp("server"))
    yield running
    lifecycle.down(running.state_dir)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A state directory of its own, whose server is ended afterwards."""
    made = tmp_path / "state"
    yield made
    if made.is_dir():
        lifecycle.down(made)


def trainyard(*arguments: str, folder: Path, **variables: str) -> subprocess.Popen[str]:
    """A `trainyard` process on a state directory."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TRAINYARD_"))}
    return subprocess.Popen(
        [TRAINYARD, *arguments],
        env={**environment, "TRAINYARD_STATE_DIR": str(folder), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def busy(cloud: Cloud) -> Iterator[list[int]]:
    """The server killed while a function works and a job has a process of its own; gives their processes."""
    workspace = Workspace(cloud.state_dir / "jobs" / "processing" / "one")
    workspace.create()
    with subprocess.Popen(["sh", "-c", "sleep 120 & wait"], start_new_session=True) as job:
        workspace.started(job.pid)
        processes = [sleeper.working(cloud, "sleeper"), job.pid]
        os.kill(cloud.cloud.pid, signal.SIGKILL)
        until(lambda: lifecycle.status(cloud.state_dir) is None)
        assert all(runs(pid) for pid in processes)
        yield processes
        until(lambda: not any(runs(pid) for pid in processes))


@contextmanager
def listening(port: int, host: str = "127.0.0.1") -> Iterator[None]:
    """Another program on a port."""
    with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
        yield


@pytest.mark.fault(
    "Two `trainyard up` with two ports at once on one state directory", "One server, and both report that one"
)
def test_two_at_once(folder: Path, observed: Observation) -> None:
    started = [trainyard("up", "--no-console", "--port", str(free_port()), folder=folder) for _ in range(2)]
    told = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0, 0], told
    reported = {found.groups() for text in told if (found := re.search(r"is up at (\S+) \(process (\d+)\)", text))}
    assert len(reported) == len(servers_of(folder)) == 1
    assert sum("It ran already, so --port" in text for text in told) == 1
    observed("one server; both named it, and one said that its --port changes nothing")


@pytest.mark.fault("A second server process is started by hand on a directory that is owned", "It ends with a sentence")
def test_a_second_server(cloud: Cloud, observed: Observation) -> None:
    argv = [sys.executable, "-m", "local_cloud.server", "--state-dir", str(cloud.state_dir), "--port"]
    done = subprocess.run([*argv, str(free_port())], capture_output=True, text=True)
    (sentence,) = done.stderr.strip().splitlines()
    assert done.returncode == ownership.Taken.exit_code
    assert sentence.startswith("Expected")
    assert "another server owns it" in sentence
    assert servers_of(cloud.state_dir) == [cloud.cloud.pid]
    observed(f"it ended with code {done.returncode} and one sentence: another server owns the directory")


@pytest.mark.fault("The files that say who runs are deleted under a running server", "`up` finds the server again")
def test_deleted_marks(folder: Path, observed: Observation) -> None:
    running = start_cloud(folder)
    (folder / ownership.CLOUD_FILE).rename(folder / "kept")
    assert lifecycle.up(folder, free_port()) == running.cloud
    (folder / "kept").rename(folder / ownership.CLOUD_FILE)
    (folder / ownership.LOCK_FILE).unlink()
    assert lifecycle.up(folder, free_port()) == running.cloud
    assert servers_of(folder) == [running.cloud.pid]
    assert lifecycle.down(folder)
    assert servers_of(folder) == []
    observed("with either of the two gone `up` found the server that ran, and `down` ended it")


@pytest.mark.fault("Ctrl-C while `trainyard up` waits for its server", "No server, or one that is found")
@pytest.mark.usefixtures("interruptible")
def test_interrupted(folder: Path, observed: Observation) -> None:
    port = free_port()
    starting = trainyard("up", "--no-console", "--port", str(port), folder=folder)
    until(lambda: servers_of(folder))
    starting.send_signal(signal.SIGINT)
    told = starting.communicate()[0]
    assert "Traceback" not in told
    found = lifecycle.status(folder)
    assert servers_of(folder) == ([] if found is None else [found.pid])
    assert [lifecycle.up(folder, port).pid] == servers_of(folder)
    observed("nothing ran that was not found, and the next `up` reported one server")


@pytest.mark.fault("`trainyard up` is killed while it waits for its server", "The server it started is found and used")
def test_killed_while_starting(folder: Path, observed: Observation) -> None:
    starting = trainyard("up", "--no-console", "--port", str(free_port()), folder=folder)
    (server,) = until(lambda: servers_of(folder))
    until((folder / ownership.CLOUD_FILE).exists)
    starting.kill()
    starting.communicate()
    assert lifecycle.up(folder, free_port()).pid == server
    assert servers_of(folder) == [server]
    observed("the next `up` waited for that server and reported it")


@pytest.mark.fault(
    "The shell names a proxy that is not there and a profile that does not exist",
    "`up`, `status`, `env` and boto3 reach the local cloud all the same",
)
def test_proxy(cloud: Cloud, observed: Observation) -> None:
    names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    shell = dict.fromkeys(names, "http://127.0.0.1:9") | {"AWS_PROFILE": "no-such", "NO_PROXY": "intranet"}
    for command in (("up", "--no-console"), ("status",)):
        process = trainyard(*command, folder=cloud.state_dir, **shell)
        told = process.communicate()[0]
        assert process.returncode == 0, told
        assert cloud.endpoint in told
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    script = f'eval "$({TRAINYARD} env)" && echo "$NO_PROXY" && {sys.executable} -c "{code}"'
    variables = {**os.environ, **shell, "TRAINYARD_STATE_DIR": str(cloud.state_dir)}
    done = subprocess.run(["sh", "-c", script], env=variables, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["intranet,localhost,.localhost,127.0.0.1,::1", ROOT_ARN], done.stderr
    observed("all four answered; NO_PROXY kept what it named and has this machine besides")


@pytest.mark.fault("The server is killed while a function and a job run, then `trainyard down`", "Both end, it is told")
def test_down_after_a_crash(folder: Path, observed: Observation) -> None:
    with busy(start_cloud(folder)):
        told = trainyard("down", folder=folder).communicate()[0].splitlines()
    assert told[0].startswith(f"{CRASHED}2 processes that it left behind were ended; ")
    assert trainyard("down", folder=folder).communicate()[0] == "No local cloud was up.\n"
    observed("no process was left; one line said that it had crashed and that 2 processes were ended, and only once")


@pytest.mark.fault("The server is killed while a function and a job run, then `trainyard up`", "A line says what was")
def test_up_after_a_crash(folder: Path, observed: Observation) -> None:
    running = start_cloud(folder)
    told: list[str] = []
    with busy(running):
        lifecycle.up(folder, running.port, tell=told.append)
    assert told[0].startswith(f"{CRASHED}2 processes that it left behind were ended; ")
    assert lifecycle.down(folder, tell=told.append)
    assert not lifecycle.down(folder, tell=told.append)
    assert len(told) == 1
    observed("one line: it crashed or was killed, 2 processes were ended, executions end as failed; not said again")


@pytest.mark.fault("The record of a killed server has a process number that another program has now", "It is spared")
def test_used_again(folder: Path, observed: Observation) -> None:
    folder.mkdir()
    bystander = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        record = json.dumps({"pid": bystander.pid, "started": "1", "port": 4566})
        for name in (ownership.LOCK_FILE, ownership.CLOUD_FILE):
            (folder / name).write_text(record)
        assert lifecycle.status(folder) is None
        assert lifecycle.down(folder) is False
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
    observed("no local cloud was up, and the other program ran on")


@pytest.mark.fault("The records of the last server are empty, cut in half, or something else", "`up` starts a server")
def test_spoilt_records(folder: Path, observed: Observation) -> None:
    folder.mkdir()
    for text in (b"", b'{"pid": 1', b"[]", b'{"pid": "x"}', b"\xff", b'{"pid": 1, "started": 2, "port": 3}'):
        for name in (ownership.LOCK_FILE, ownership.CLOUD_FILE):
            (folder / name).write_bytes(text)
        assert lifecycle.status(folder) is None
    assert [lifecycle.up(folder, free_port()).pid] == servers_of(folder)
    observed("nobody was taken for running, and one server started")


@pytest.mark.fault("The server hangs (SIGSTOP)", "`up` says what to do, and `down` ends it")
def test_hung(folder: Path, monkeypatch: pytest.MonkeyPatch, observed: Observation) -> None:
    running = start_cloud(folder)
    monkeypatch.setattr(launch, "START_SECONDS", 0.5)
    monkeypatch.setattr(lifecycle, "STOP_SECONDS", 0.5)
    os.kill(running.cloud.pid, signal.SIGSTOP)
    with pytest.raises(TrainyardError, match=r"did not answer .* end it with `trainyard down`"):
        lifecycle.up(folder, free_port())
    assert servers_of(folder) == [running.cloud.pid]
    with pytest.raises(TrainyardError, match=r"did not end within .* and was killed"):
        lifecycle.down(folder)
    assert lifecycle.status(folder) is None
    observed("`up` started no second one and named `trainyard down`, which killed it and said so")


@pytest.mark.fault(
    "The state directory is a file, cannot be made, belongs to another user, or is one that all share",
    "One sentence: what was expected, what was found, what to do",
)
def test_unfit_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, observed: Observation) -> None:
    (tmp_path / "file").write_text("")
    for name in ("shared", "theirs"):
        (tmp_path / name).mkdir()
    (tmp_path / "shared").chmod(0o1777)
    unfit = {
        tmp_path / "file": "found a file",
        tmp_path / "file" / "below": "found: Not a directory",
        Path("/proc/trainyard"): "found: ",
        tmp_path / "shared": "which holds other things too",
    }
    for folder, words in unfit.items():
        assert words in refusal(folder)
    monkeypatch.setattr(state.os, "geteuid", lambda: 4242)
    assert "found one of the user" in refusal(tmp_path / "theirs")
    assert not list((tmp_path / "theirs").iterdir())
    observed(f"{len(unfit) + 1} sentences, each with the folder and {state.STATE_DIR_VARIABLE}; no server was started")


def refusal(folder: Path) -> str:
    with pytest.raises(TrainyardError) as refused:
        lifecycle.up(folder, free_port())
    sentence = str(refused.value)
    assert sentence.startswith("Expected")
    assert state.STATE_DIR_VARIABLE in sentence
    assert "\n" not in sentence
    return sentence


@pytest.mark.fault(
    "The certificate, its key, its authority or the root key is cut in half", "The next start makes new ones"
)
def test_half_a_key(tmp_path: Path, observed: Observation) -> None:
    for name in ("server.pem", "server.key", "authority.pem"):
        before = certificates.ensure(tmp_path).chain.read_bytes()
        file = tmp_path / name
        file.write_bytes(file.read_bytes()[:100])
        assert certificates.ensure(tmp_path).chain.read_bytes() != before
    first = root_key.ensure(tmp_path)
    assert root_key.ensure(tmp_path) == first
    (tmp_path / root_key.FILE).write_text('{"access_key')
    assert root_key.ensure(tmp_path) != first
    observed("each of the four was noticed and made anew")


@pytest.mark.fault(
    "The default port is taken, as by a second checkout, or only on ::1; then one that was asked for",
    "The next free one, and which; for the one asked for a sentence",
)
def test_taken_port(folder: Path, monkeypatch: pytest.MonkeyPatch, observed: Observation) -> None:
    port = free_port()
    monkeypatch.setattr(ports, "DEFAULT", port)
    monkeypatch.setattr(ports, "PATIENCE_SECONDS", 0.1)
    told: list[str] = []
    with listening(port):
        found = lifecycle.up(folder, tell=told.append)
        second = int(found.endpoint.rpartition(":")[2])
        assert port < second < port + ports.CHOICES
        assert told == [f"Port {port} is taken by another program; this local cloud listens on {second}."]
        lifecycle.down(folder)
        assert ownership.last_port(folder) == second
        with pytest.raises(TrainyardError, match=f"needs port {port} on this machine, found that another program has"):
            lifecycle.up(folder, port)
    with listening(port, "::1"):
        assert ports.choose(port) != port
    observed("it took the next one, said so and remembers it; --port was refused with one sentence")


@pytest.mark.fault("A server of another user has the port that was asked for", "The sentence names that user")
def test_port_of_another_user(monkeypatch: pytest.MonkeyPatch, observed: Observation) -> None:
    monkeypatch.setattr(ports, "PATIENCE_SECONDS", 0.0)
    owner = state.user_name(os.geteuid())
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        monkeypatch.setattr(ports.os, "geteuid", lambda: 4242)
        with pytest.raises(TrainyardError, match=f"found that a program of the user {owner} has it"):
            ports.require(theirs.getsockname()[1])
    observed("one sentence with the name of the user whose program has it")
