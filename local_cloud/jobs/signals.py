"""Says in words which signal killed a job's process, and what that mostly means; used by the server's job threads."""

from __future__ import annotations

import signal
from collections.abc import Mapping

# What a shell and a container engine add to a signal's number to make an exit code of it.
SHELL_OFFSET = 128

CAUSES: Mapping[signal.Signals, str] = {
    signal.SIGKILL: "which mostly means that memory ran out: take a machine with more memory, or less data at once",
    signal.SIGTERM: "which means that it was asked to end from outside: see who ended it, and start it again",
    signal.SIGSEGV: "which means a defect in native code: see the last lines of its log",
    signal.SIGABRT: "which means that native code gave up, often for lack of memory: see the last lines of its log",
    signal.SIGBUS: "which mostly means that a disk or the shared memory is full: take a larger volume",
    signal.SIGXFSZ: "which means that a file grew past the limit of this machine",
    signal.SIGINT: "which means that it was interrupted from outside: start it again",
}


def killer(exit_code: int) -> signal.Signals | None:
    """The signal that an exit code tells of: negative as Python has it, or 128 more than it as shells have it.

    >>> killer(-9), killer(137), killer(1)
    (<Signals.SIGKILL: 9>, <Signals.SIGKILL: 9>, None)
    """
    number = -exit_code if exit_code < 0 else exit_code - SHELL_OFFSET
    try:
        return signal.Signals(number)
    except ValueError:
        return None


def shell_code(exit_code: int) -> int:
    """The exit code as a container engine and AWS report it.

    >>> shell_code(-9), shell_code(3)
    (137, 3)
    """
    return SHELL_OFFSET - exit_code if exit_code < 0 else exit_code


def killed_by(exit_code: int) -> str:
    """'killed by SIGKILL, which mostly means that ...'; empty for a process that ended by itself.

    >>> killed_by(143)
    'killed by SIGTERM, which means that it was asked to end from outside: see who ended it, and start it again'
    >>> killed_by(2)
    ''
    """
    found = killer(exit_code)
    if found is None:
        return ""
    cause = CAUSES.get(found)
    return f"killed by {found.name}, {cause}" if cause else f"killed by {found.name}"
