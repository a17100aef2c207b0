"""How a call of a Lambda function failed, in words, from what Lambda answers; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from trainyard.stages.explain_failure.memory import likely_cause

Document = Mapping[str, Any]
TIMED_OUT = "Task timed out after "
UNTYPED = "Returned payload: "


def describes(document: Document) -> bool:
    """Whether a description is what Lambda answers for a function that failed."""
    return "errorMessage" in document


def reason(document: Document) -> str:
    """The function's own sentence; for one that was ended, the limit or the memory that it ran out of."""
    said = str(document["errorMessage"] or document.get("errorType") or "the function gave no reason")
    if TIMED_OUT in said:
        seconds = said.partition(TIMED_OUT)[2].partition(" ")[0]
        return (
            f"The function was ended at its limit of {seconds} seconds. Redrive the execution; if it happens again, "
            "see what it waits for in its log, or raise its timeout in infra/lambdas.py."
        )
    cause = likely_cause(said, remedy="raise MEMORY_MB in infra/lambdas.py, or bring less data at once")
    return " ".join(each for each in (said, cause) if each)


def answer_in(cause: str) -> str:
    """The answer of Lambda that Step Functions quotes where it carries no class of error, else the cause itself."""
    quoted = cause.partition(UNTYPED)[2].strip().rstrip(".")
    try:
        return quoted if isinstance(json.loads(quoted), dict) else cause
    except ValueError:
        return cause
