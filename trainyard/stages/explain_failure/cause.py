"""Reads the cause that Step Functions gives for a failure: what failed describes itself in it, as JSON text; pure.

A job that was waited for gives its whole description, a Lambda function the exception that it ended with, a child
execution its own error and cause. Anything else is words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from trainyard.stages.explain_failure import glue_ending, lambda_ending, sagemaker_ending

Document = Mapping[str, Any]
TASK_FAILED = "States.TaskFailed"
NO_CAUSE = "no cause was given"
# After this JSONata gives the text that an expression was made to fail with: a cause that nothing may catch.
RAISED = "D3137: "
# What may be read of a description that was cut off: Step Functions keeps 32,768 characters of a cause.
WHOLE_FIELD = re.compile(r'"(\w+)"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?)\s*[,}]')


def document_of(cause: str) -> Document:
    """The description in a cause; empty for mere words. Of one that was cut off, the fields that are whole."""
    cause = lambda_ending.answer_in(cause.partition(RAISED)[2] or cause)
    if not cause.lstrip().startswith("{"):
        return {}
    try:
        document = json.loads(cause)
    except ValueError:
        found = WHOLE_FIELD.findall(cause)
        # The first of a name is the outermost: descriptions begin with what names the job.
        return {name: json.loads(value) for name, value in reversed(found)}
    return document if isinstance(document, dict) else {}


def reason_of(cause: str) -> str:
    """What a reader needs of a failure's cause: what failed gives its own reason, or how it ended; or its words."""
    document = document_of(cause)
    return reason_in(document) or cause.partition(RAISED)[2] or cause or NO_CAUSE


def reason_in(document: Document) -> str:
    """The reason in a description; empty where it gives none."""
    if "ExecutionArn" in document:
        return _child(document)
    if glue_ending.describes(document):
        return glue_ending.reason(document)
    if sagemaker_ending.describes(document):
        return sagemaker_ending.reason(document)
    return lambda_ending.reason(document) if lambda_ending.describes(document) else ""


def is_raised_again(cause: str) -> bool:
    """Whether a cause is that of a failed job or function, which an expression of the state raised once more."""
    return RAISED in cause


def says_little(document: Document) -> bool:
    """Whether a job's description tells that it failed, not why: its log may say more."""
    if glue_ending.describes(document):
        return glue_ending.says_little(document)
    return sagemaker_ending.describes(document) and sagemaker_ending.says_little(document)


def _child(document: Document) -> str:
    """A child execution: its name, how it ended, and its own reason."""
    name = str(document.get("Name") or document["ExecutionArn"]).rpartition(":")[2]
    own = " ".join(each for each in (str(document.get("Error") or ""), _own(document)) if each)
    return f"child execution {name} ended with {document.get('Status', 'an unknown status')}" + (
        f": {own}" if own else ""
    )


def _own(document: Document) -> str:
    cause = document.get("Cause")
    return reason_of(str(cause)) if cause else ""
