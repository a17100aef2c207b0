"""Starts, finds and ends the local cloud's server process from the command line and from tests."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path

from local_cloud import certificates
from local_cloud.server import ACCOUNT, REGION, ROOT_KEY
from trainyard.errors import TrainyardError

CLOUD_FILE = "cloud.json"
PROCESS_FILE = "server.pid"
LOG_FILE = "server.log"
START_SECONDS = 90.0
STOP_SECONDS = 60.0
PORT_SECONDS = 1.0
# What a server process may inherit from the shell that started it: never its keys, profiles or proxies.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "JAVA_HOME")

# Servers started by this process: one that is forgotten could never be reaped after it ends.
_started: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True, kw_only=True)
class LocalCloud:
    """A running local cloud, as written to `<state_dir>/cloud.json`."""

    endpoint: str
    ca_bundle: str
    region: str
    account: str
    pid: int


def up(state_dir: Path, port: int = 4566, *, containers: str | None = None) -> LocalCloud:
    """Start the local cloud unless it already runs, and wait until it answers.

    `state_dir` keeps everything it holds; `port` is its loopback port; `containers` names a Docker-compatible program
    that runs jobs in real containers. Raises TrainyardError when the port is taken or the server does not come up.
    """
    state_dir = state_dir.resolve()
    running = status(state_dir)
    if running is not None:
        return running
    _require_free(port)
    state_dir.mkdir(parents=True, exist_ok=True)
    certificate = certificates.ensure(state_dir / "certificates")
    process = _spawn(state_dir, port, containers=containers)
    _write_json(state_dir / PROCESS_FILE, {"pid": process.pid, "started": _start_time(process.pid)})
    endpoint = f"https://localhost:{port}"
    _await_health(process, endpoint, authority=certificate.authority, log=state_dir / LOG_FILE)
    cloud = LocalCloud(
        endpoint=endpoint, ca_bundle=str(certificate.authority), region=REGION, account=ACCOUNT, pid=process.pid
    )
    _write_json(state_dir / CLOUD_FILE, asdict(cloud))
    return cloud


def down(state_dir: Path) -> bool:
    """End the local cloud so that its state is saved; False when none runs. Its state stays in `state_dir`."""
    state_dir = state_dir.resolve()
    running = status(state_dir)
    (state_dir / CLOUD_FILE).unlink(missing_ok=True)
    if running is None:
        return False
    os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _alive(state_dir):
        if time.monotonic() > deadline:
            os.kill(running.pid, signal.SIGKILL)
            raise TrainyardError(
                f"The local cloud (process {running.pid}) did not end within {STOP_SECONDS:.0f} s and was killed; "
                f"what changed in its last second may be lost. Its log: {state_dir / LOG_FILE}"
            )
        time.sleep(0.05)
    (state_dir / PROCESS_FILE).unlink(missing_ok=True)
    return True


def status(state_dir: Path) -> LocalCloud | None:
    """The local cloud that runs on `state_dir`, or None."""
    state_dir = state_dir.resolve()
    path = state_dir / CLOUD_FILE
    if not path.exists() or not _alive(state_dir):
        return None
    return LocalCloud(**json.loads(path.read_text()))


def environment(cloud: LocalCloud) -> dict[str, str]:
    """Variables with which boto3, the AWS CLI and the CDK CLI all talk to `cloud` as its account's root user."""
    return {
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_CA_BUNDLE": cloud.ca_bundle,
        "NODE_EXTRA_CA_CERTS": cloud.ca_bundle,
        "AWS_REGION": cloud.region,
        "AWS_DEFAULT_REGION": cloud.region,
        "AWS_ACCESS_KEY_ID": ROOT_KEY,
        "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
    }


def _spawn(state_dir: Path, port: int, *, containers: str | None) -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    # Lambda functions run on the interpreter that MiniStack finds as `python`: it must be this one.
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    if containers is not None:
        environment["TRAINYARD_CONTAINERS"] = containers
    with (state_dir / LOG_FILE).open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "local_cloud.server", "--state-dir", str(state_dir), "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            cwd=state_dir,
            start_new_session=True,
        )
    _started.append(process)
    return process


def _require_free(port: int) -> None:
    # The threads of a server that was just killed may hold its port a moment longer than its process is seen.
    deadline = time.monotonic() + PORT_SECONDS
    while (reason := _why_taken(port)) is not None:
        if time.monotonic() > deadline:
            raise TrainyardError(
                f"The local cloud needs port {port} on 127.0.0.1, but it cannot be opened ({reason}): "
                "end the program that uses it, or choose another port with --port."
            )
        time.sleep(0.05)


def _why_taken(port: int) -> str | None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the server does: a port whose last connections are still fading away is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return error.strerror
    return None


def _await_health(process: subprocess.Popen[bytes], endpoint: str, *, authority: Path, log: Path) -> None:
    context = ssl.create_default_context(cafile=str(authority))
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise TrainyardError(
                f"The local cloud's server ended with code {process.returncode} before it answered. "
                f"The end of its log {log}:\n{_tail(log)}"
            )
        if _answers(endpoint, context):
            return
        time.sleep(0.05)
    process.terminate()
    raise TrainyardError(f"The local cloud did not answer at {endpoint} within {START_SECONDS:.0f} s. See {log}")


def _answers(endpoint: str, context: ssl.SSLContext) -> bool:
    try:
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", context=context, timeout=2) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _alive(state_dir: Path) -> bool:
    """Whether the process in the pid file is still the one we started: pids are used again."""
    path = state_dir / PROCESS_FILE
    _started[:] = [process for process in _started if process.poll() is None]
    if not path.exists():
        return False
    recorded = json.loads(path.read_text())
    return recorded["started"] is not None and _start_time(recorded["pid"]) == recorded["started"]


def _start_time(pid: int) -> str | None:
    """When process `pid` started, as the system tells it; None when there is no such (living) process."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] == "Z" else fields[19]
    listed = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True)
    return listed.stdout.strip() or None


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _write_json(path: Path, value: object) -> None:
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(value, indent=2))
    temporary.replace(path)
