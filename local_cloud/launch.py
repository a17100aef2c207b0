"""Starts the local cloud's server process and waits for it: to own its state directory, and to answer; on a laptop."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_cloud import certificates, ownership
from local_cloud.ownership import Owner
from local_cloud.state import FILE_MODE
from trainyard.errors import TrainyardError

LOG_FILE = "server.log"
START_SECONDS = 90.0
PAUSE_SECONDS = 0.05
# Between SIGTERM and SIGKILL for a server whose start was interrupted.
GIVE_UP_SECONDS = 10.0
# What a server process may inherit from the shell that started it: never its keys, profiles or proxies.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "JAVA_HOME", "TRAINYARD_RETRY_WAIT_SECONDS")

# Servers started by this process: one that is forgotten could never be reaped after it ends.
_started: list[subprocess.Popen[bytes]] = []


def owner_of(state_dir: Path) -> Owner | None:
    """The server that owns a state directory now, whether or not this process started it."""
    _started[:] = [process for process in _started if process.poll() is None]
    return ownership.owner_of(state_dir)


def reap(pid: int) -> None:
    """Wait for the end of a server that this process started, and has told to end."""
    for process in _started:
        if process.pid == pid:
            process.wait(GIVE_UP_SECONDS)


def spawn(state_dir: Path, port: int, *, containers: str | None) -> subprocess.Popen[bytes]:
    """Start a server process that outlives this one; `port` and `containers` as in `lifecycle.up`."""
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    # Lambda functions run on the interpreter that MiniStack finds as `python`: it must be this one.
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
    if containers is not None:
        environment["TRAINYARD_CONTAINERS"] = containers
    log = os.open(state_dir / LOG_FILE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, FILE_MODE)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "local_cloud.server", "--state-dir", str(state_dir), "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            cwd=state_dir,
            start_new_session=True,
        )
    finally:
        os.close(log)
    _started.append(process)
    return process


def await_owner(state_dir: Path, process: subprocess.Popen[bytes]) -> Owner | None:
    """Whoever owns the directory first: this server, or another one that was quicker."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        owner = ownership.owner_of(state_dir)
        if owner is not None and (owner.pid == process.pid or owner.lives):
            return owner
        time.sleep(PAUSE_SECONDS)
    return None


def await_health(state_dir: Path, owner: Owner) -> Owner | None:
    """Wait until a server answers, and return what it says of itself then; None when it ended before.

    Raises TrainyardError when it does neither.
    """
    endpoint = f"https://localhost:{owner.port}"
    deadline = time.monotonic() + START_SECONDS
    while (now := owner_of(state_dir)) is not None and (now.pid, now.started) == (owner.pid, owner.started):
        if _answers(endpoint, certificates.paths(state_dir / "certificates").authority):
            return now
        if time.monotonic() > deadline:
            raise TrainyardError(
                f"The local cloud (process {owner.pid}) did not answer at {endpoint} within {START_SECONDS:.0f} s; "
                f"see {state_dir / LOG_FILE}, end it with `trainyard down` and call `trainyard up` again."
            )
        time.sleep(PAUSE_SECONDS)
    return None


def _answers(endpoint: str, authority: Path) -> bool:
    # The shell's proxy could not reach this machine's own ports.
    direct = urllib.request.ProxyHandler({})
    try:
        context = ssl.create_default_context(cafile=str(authority))
        opener = urllib.request.build_opener(direct, urllib.request.HTTPSHandler(context=context))
        with opener.open(f"{endpoint}/_ministack/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Ctrl-C takes effect at the end: a process that is being started is known by then, and can be ended.

    Where it is ignored it stays so, and only a main thread hears of it at all.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN or threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _frame: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if held:
        raise KeyboardInterrupt


def give_up(process: subprocess.Popen[bytes]) -> None:
    """End a server whose start was interrupted, so that none is left that nobody waited for."""
    process.terminate()
    try:
        process.wait(GIVE_UP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def explain_end(process: subprocess.Popen[bytes], *, log: Path, snatched: bool) -> None:
    """Raise TrainyardError that says why a server ended before it answered.

    Unless another one owns the directory, or its port was `snatched` meanwhile. One that never began is ended.
    """
    if process.poll() is None:
        give_up(process)
    code = process.returncode
    if code != ownership.Taken.exit_code and not snatched:
        raise TrainyardError(
            f"The local cloud's server ended with code {code} before it answered. "
            f"The end of its log {log}:\n{_tail(log)}"
        )


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
