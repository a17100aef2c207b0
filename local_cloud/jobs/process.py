"""Runs one command as a process group with a deadline and a stop signal; used by the server's job threads."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

# CloudWatch refuses events over 256 KiB, so longer lines are cut into several.
MAX_LINE_BYTES = 200_000
KEPT_LINES = 40
READER_PATIENCE_SECONDS = 5.0

OnLine = Callable[[str, str], None]


class Signal(Protocol):
    """Something that may ask a process to end, such as a `threading.Event`."""

    def is_set(self) -> bool:
        """Whether it does."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long a process may run, in seconds, and how long it has between SIGTERM and SIGKILL."""

    max_seconds: float
    grace_seconds: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a process ended; `exit_code` is negative for a signal.

    `last_lines` are the end of its whole output, `last_errors` that of its error stream where it has one of its own.
    """

    exit_code: int
    stopped: bool
    timed_out: bool
    seconds: float
    last_lines: tuple[str, ...]
    last_errors: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Command:
    """What to start: arguments, the complete environment, and the working directory.

    `merged` sends errors the way of the output, which keeps the order of lines. `kill` is called besides SIGKILL, for
    an engine whose container outlives the client that started it; `started` gets the process's number.
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    merged: bool = False
    kill: Callable[[], None] | None = None
    started: Callable[[int], None] | None = None


def run(command: Command, limits: Limits, *, stop: Signal, on_line: OnLine) -> Outcome:
    """Run until the command ends, `stop` is set or the time is over; its whole process group is gone afterwards.

    `on_line(stream, text)` gets every line of "stdout" and "stderr" as it arrives. A command that cannot be started
    ends with exit code 127, as a shell would say.
    """
    kept: deque[tuple[str, str]] = deque(maxlen=KEPT_LINES)
    begun = time.monotonic()
    try:
        process = subprocess.Popen(
            list(command.argv),
            env=dict(command.env),
            cwd=command.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if command.merged else subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        text = f"Cannot start {command.argv[0]!r} in {command.cwd}: {error.strerror or error}"
        on_line("stderr", text)
        return Outcome(exit_code=127, stopped=False, timed_out=False, seconds=0.0, last_lines=(text,))
    if command.started is not None:
        command.started(process.pid)
    pipes = {"stdout": process.stdout, "stderr": process.stderr}
    readers = [_reader(pipe, stream, kept=kept, on_line=on_line) for stream, pipe in pipes.items()]
    stopped, timed_out = _wait(process, limits, stop=stop, begun=begun, kill=command.kill)
    _kill_group(process.pid)
    for reader in readers:
        reader.join(READER_PATIENCE_SECONDS)
    return Outcome(
        exit_code=process.returncode,
        stopped=stopped,
        timed_out=timed_out,
        seconds=time.monotonic() - begun,
        last_lines=tuple(text for _stream, text in kept),
        last_errors=tuple(text for stream, text in kept if stream == "stderr"),
    )


def _wait(
    process: subprocess.Popen[bytes],
    limits: Limits,
    *,
    stop: Signal,
    begun: float,
    kill: Callable[[], None] | None,
) -> tuple[bool, bool]:
    """Wait for the end, or bring it about when `stop` is set or the time is over; returns (stopped, timed out)."""
    deadline = begun + limits.max_seconds
    while not _ended(process, 0.1):
        stopped, late = stop.is_set(), time.monotonic() >= deadline
        if not stopped and not late:
            continue
        with suppress(ProcessLookupError):
            process.terminate()
        if not _ended(process, limits.grace_seconds):
            if kill is not None:
                kill()
            _kill_group(process.pid)
            process.wait()
        return stopped, late and not stopped
    return False, False


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _kill_group(group: int) -> None:
    # The leader is also the group's number, which stays reserved while any child of it lives.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _reader(pipe: IO[bytes] | None, stream: str, *, kept: deque[tuple[str, str]], on_line: OnLine) -> threading.Thread:
    def read() -> None:
        if pipe is None:
            return
        with pipe:
            while line := pipe.readline(MAX_LINE_BYTES):
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                if text.strip():
                    kept.append((stream, text))
                on_line(stream, text)

    thread = threading.Thread(target=read, name=f"read-{stream}", daemon=True)
    thread.start()
    return thread
