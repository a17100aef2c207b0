"""Calls what reads Parquet in a process of its own, where a program goes on for long: the console; runs on a laptop.

pyarrow and numpy take 50 MB and more that are never given back, and a quarter of a second to load. A command ends after
it has read a table; a console stays for days and shows one now and then.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from trainyard.errors import TrainyardError

P = ParamSpec("P")
R = TypeVar("R")
PROGRAM = "from trainyard.client.run.apart import answer; answer()"
SECONDS = 120
LAST_LINES = 3
_apart = False


def from_now_on() -> None:
    """Let every later call of this program have a process of its own."""
    global _apart  # noqa: PLW0603
    _apart = True


def called(function: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R:
    """What a function of a module answers, here or in another process; raises what it raises.

    Arguments and answer have to be such as pickle takes. Raises TrainyardError where that process does not answer.
    """
    if not _apart:
        return function(*arguments, **named)
    asked = pickle.dumps((function, arguments, named))
    command = [sys.executable, "-c", PROGRAM]
    try:
        done = subprocess.run(command, input=asked, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise TrainyardError(f"Expected to read a table within {SECONDS} s; download it.") from error
    if done.returncode:
        said = " ".join(done.stderr.decode("utf-8", "replace").splitlines()[-LAST_LINES:])
        raise TrainyardError(f"Expected to read a table in a process of its own, found: {said or done.returncode}.")
    # Written by this program's own code in `answer`.
    found: R | TrainyardError = pickle.loads(done.stdout)  # noqa: S301
    if isinstance(found, TrainyardError):
        raise found
    return found


def answer() -> None:
    """Call what standard input says, and write the answer to standard output; the other side of `called`."""
    function, arguments, named = pickle.load(sys.stdin.buffer)  # noqa: S301
    answered, sys.stdout = sys.stdout.buffer, sys.stderr
    found: Any
    try:
        found = function(*arguments, **named)
    except TrainyardError as error:
        # Pickle makes an exception anew from its sentence alone, which is not what all of ours are made of.
        plain = type(error).__init__ is TrainyardError.__init__
        found = error if plain else TrainyardError(str(error))
    answered.write(pickle.dumps(found))
