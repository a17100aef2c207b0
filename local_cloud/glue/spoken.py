"""Listens to what a Glue script prints for the exception that it ends with; runs in the server."""

from __future__ import annotations

from collections.abc import Iterable

TRACEBACK = "Traceback (most recent call last):"
MAX_MESSAGE = 2000


class Spoken:
    """The last exception among the lines heard so far, however many lines follow it."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        self.exception = ""
        self._inside = False
        for line in lines:
            self.hear(line)

    def hear(self, line: str) -> None:
        """Take one line of the error stream, in the order they were printed.

        A traceback is followed by its frames, which are indented, and these by the exception.
        """
        if line.startswith(TRACEBACK):
            self._inside, self.exception = True, ""
        elif self._inside and line.strip() and not line.startswith((" ", "\t")):
            self._inside, self.exception = False, line.rstrip()[:MAX_MESSAGE]
