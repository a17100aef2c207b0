"""What the program says on its standard streams, and its exit code when nobody takes that; runs on a laptop."""

from __future__ import annotations

import errno
import os
import sys

# As a shell counts a program that wrote to a pipe nobody reads any more.
BROKEN_PIPE = 141


def code_of(end: SystemExit) -> int:
    """The exit code of a command that ended the program; 141 when nobody read its output any more."""
    before = end.__context__
    if isinstance(before, OSError) and before.errno == errno.EPIPE:
        return BROKEN_PIPE
    return end.code if isinstance(end.code, int) else int(end.code is not None)


def accept_any_text() -> None:
    """Let the output take what its encoding cannot say (as escapes), and a program without output run too."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # Closed by who called; it stays open until the process ends.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def flushed(code: int) -> int:
    """The exit code once all output has been written: what a full disk refused is a failure, in one sentence."""
    try:
        sys.stdout.flush()
    except OSError as error:
        # Else the interpreter tries again as it ends, and complains in words of its own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno == errno.EPIPE:
            return BROKEN_PIPE
        if code == 0:
            # Here, for it loads AWS's library, which most calls need no word of.
            from trainyard.client import failures

            print(failures.explain(error)[0], file=sys.stderr)
        return code or 1
    return code
