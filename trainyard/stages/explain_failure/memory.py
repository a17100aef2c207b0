"""Recognizes in what AWS says about a job that its process was killed, mostly for lack of memory; pure."""

from __future__ import annotations

import re

KILLED = re.compile(r"exit code:? ?137\b|SIGKILL|signal: killed|Killed by signal 9", re.IGNORECASE)
OUT_OF_MEMORY = re.compile(r"OutOfMemory|out of memory|\bOOM|MemoryError|Cannot allocate memory", re.IGNORECASE)


def likely_cause(text: str, *, remedy: str) -> str:
    """A sentence that says what a killed process mostly means, with what to do; empty for other ends.

    >>> likely_cause("AlgorithmError: , exit code: 137", remedy="take a larger machine")
    'It was killed by SIGKILL, which mostly means that memory ran out: take a larger machine.'
    """
    # The local cloud says so itself.
    if "memory ran out" in text:
        return ""
    if KILLED.search(text):
        return f"It was killed by SIGKILL, which mostly means that memory ran out: {remedy}."
    return f"Memory ran out: {remedy}." if OUT_OF_MEMORY.search(text) else ""
