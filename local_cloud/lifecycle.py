"""Starts, finds and ends the local cloud's server process from the command line and from tests."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local_cloud import certificates, launch, ownership, ports, root_key
from local_cloud.ownership import Owner
from local_cloud.server import ACCOUNT, REGION
from local_cloud.state import prepare
from trainyard.errors import TrainyardError

STOP_SECONDS = 60.0
# Hosts that a proxy of the shell could not reach: this machine.
DIRECT = ("localhost", ".localhost", "127.0.0.1", "::1")

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class LocalCloud:
    """A running local cloud, and the key of its account's root user."""

    endpoint: str
    ca_bundle: str
    region: str
    account: str
    pid: int
    access_key_id: str
    secret_access_key: str = field(repr=False)


def up(
    state_dir: Path, port: int | None = None, *, containers: str | None = None, tell: Tell = lambda _: None
) -> LocalCloud:
    """Start the local cloud unless it already runs, and wait until it answers.

    `state_dir` keeps everything it holds; `port` is its loopback port, without one the last or the next free one;
    `containers` names a Docker-compatible program that runs jobs in real containers. `tell` is called with sentences
    for the reader. Of several calls at once one starts the server and all return it. Raises TrainyardError when the
    port is taken, the directory cannot be used, or the server does not come up.
    """
    state_dir = state_dir.resolve()
    prepare(state_dir)
    while True:
        owner = launch.owner_of(state_dir)
        if owner is None:
            owner = _start(state_dir, port, containers=containers, tell=tell)
        if owner is not None and launch.await_health(state_dir, owner):
            return _cloud(state_dir, owner)


def down(state_dir: Path, *, tell: Tell = lambda _: None) -> bool:
    """End the local cloud so that its state is saved; False when none runs. Its state stays in `state_dir`.

    After a crash it ends what the server left running, and tells so.
    """
    state_dir = state_dir.resolve()
    owner = launch.owner_of(state_dir)
    if owner is None:
        ended = ownership.clear(state_dir) if state_dir.is_dir() else None
        if ended is not None:
            tell(_after_crash(ended))
        return False
    if not owner.lives:
        raise TrainyardError(
            f"Expected the local cloud's server to be process {owner.pid} of this machine, found that another "
            f"container or machine runs it on {state_dir}; call `trainyard down` there."
        )
    os.kill(owner.pid, signal.SIGTERM)
    if not _ended(owner, STOP_SECONDS):
        os.kill(owner.pid, signal.SIGKILL)
        _ended(owner, STOP_SECONDS)
        ownership.clear(state_dir)
        raise TrainyardError(
            f"The local cloud (process {owner.pid}) did not end within {STOP_SECONDS:.0f} s and was killed with what "
            f"it had started. Its log: {state_dir / launch.LOG_FILE}"
        )
    launch.reap(owner.pid)
    return True


def status(state_dir: Path) -> LocalCloud | None:
    """The local cloud that runs on `state_dir`, or None."""
    state_dir = state_dir.resolve()
    owner = launch.owner_of(state_dir)
    return None if owner is None else _cloud(state_dir, owner)


def environment(cloud: LocalCloud, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Variables with which boto3, the AWS CLI and the CDK CLI all talk to `cloud` as its account's root user.

    They keep what `environ` says about proxies, and add that this machine is reached without one.
    """
    named = [each for name in ("NO_PROXY", "no_proxy") for each in environ.get(name, "").split(",") if each.strip()]
    direct = ",".join(dict.fromkeys([*(each.strip() for each in named), *DIRECT]))
    return {
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_CA_BUNDLE": cloud.ca_bundle,
        "NODE_EXTRA_CA_CERTS": cloud.ca_bundle,
        "AWS_REGION": cloud.region,
        "AWS_DEFAULT_REGION": cloud.region,
        "AWS_ACCESS_KEY_ID": cloud.access_key_id,
        "AWS_SECRET_ACCESS_KEY": cloud.secret_access_key,
        "NO_PROXY": direct,
        "no_proxy": direct,
    }


def _cloud(state_dir: Path, owner: Owner) -> LocalCloud:
    key = root_key.read(state_dir)
    return LocalCloud(
        endpoint=f"https://localhost:{owner.port}",
        ca_bundle=str(certificates.paths(state_dir / "certificates").authority),
        region=REGION,
        account=ACCOUNT,
        pid=owner.pid,
        access_key_id=key.access_key_id,
        secret_access_key=key.secret_access_key,
    )


def _start(state_dir: Path, port: int | None, *, containers: str | None, tell: Tell) -> Owner | None:
    """Start a server and wait until it owns the directory; None when another one was quicker."""
    try:
        chosen = _port(state_dir, port)
    except TrainyardError:
        # A server that is being started by somebody else opens its port after it owns the directory.
        if launch.owner_of(state_dir) is not None:
            return None
        raise
    process = None
    try:
        with launch.interrupts_held_back():
            process = launch.spawn(state_dir, chosen, containers=containers)
        owner = launch.await_owner(state_dir, process)
        ours = owner is not None and owner.pid == process.pid
        if owner is not None and ours and (ready := launch.await_health(state_dir, owner)) is not None:
            _tell_start(ready, port, tell=tell)
            return ready
    except BaseException:
        if process is not None:
            launch.give_up(process)
        raise
    if owner is not None and not ours:
        launch.give_up(process)
    else:
        snatched = port is None and ports.why_taken(chosen) is not None
        launch.explain_end(process, log=state_dir / launch.LOG_FILE, snatched=snatched)
    return None


def _port(state_dir: Path, port: int | None) -> int:
    return ports.require(port) if port is not None else ports.choose(ownership.last_port(state_dir) or ports.DEFAULT)


def _tell_start(owner: Owner, port: int | None, *, tell: Tell) -> None:
    if owner.crashed:
        tell(_after_crash(owner.ended))
    if port is None and owner.port != ports.DEFAULT and ports.why_taken(ports.DEFAULT) is not None:
        tell(
            f"Port {ports.DEFAULT} is taken by {ports.holder(ports.DEFAULT)}; this local cloud listens on {owner.port}."
        )


def _after_crash(ended: int) -> str:
    """What a reader has to know after a server that was not stopped."""
    left = {0: "it left no process behind", 1: "one process that it left behind was ended"}
    return (
        "The last local cloud was not stopped with `trainyard down` (it crashed or was killed): "
        f"{left.get(ended, f'{ended} processes that it left behind were ended')}; "
        "executions that ran then end as failed, each with a message; see `trainyard executions`."
    )


def _ended(owner: Owner, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while owner.lives:
        if time.monotonic() > deadline:
            return False
        time.sleep(launch.PAUSE_SECONDS)
    return True
