"""Why a job failed, from the best witness there is: what it declared, its description, or its log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trainyard.run.redaction import redacted
from trainyard.stages.explain_failure.cause import says_little
from trainyard.stages.explain_failure.declared import declared
from trainyard.stages.explain_failure.job_logs import around_exception, exception_in
from trainyard.stages.explain_failure.root_cause import Failure

# What is sent stays far below the 256 KB of a message, whatever a job prints.
MAX_REASON = 2_000
MAX_LINE = 500


@dataclass(frozen=True, kw_only=True)
class Told:
    """One reason, and the few lines of a job's log that say most about it."""

    reason: str
    lines: Sequence[str]


def told(failure: Failure, lines: Sequence[str], *, s3: Any, limit: int) -> Told:
    """The reason of a failure and at most `limit` of the `lines` at the end of its job's log.

    The job's own document comes first. A log is asked for the reason only where the job's description gives none, as of
    a job that died before it could write; without a log the document's traceback stands for it.
    """
    own = declared(failure.document, s3=s3)
    reason = failure.reason
    if own is not None:
        reason = own.reason
    elif says_little(failure.document) and exception_in(lines):
        reason = f"{exception_in(lines)} ({failure.reason})"
    shown = lines or (own.traceback.splitlines() if own is not None else ())
    picked = around_exception(shown, limit)
    return Told(reason=redacted(reason)[:MAX_REASON], lines=[redacted(each[:MAX_LINE]) for each in picked])
