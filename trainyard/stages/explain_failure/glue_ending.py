"""How a run of a Glue job ended, in words, from its own description (GetJobRun); pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from trainyard.stages.explain_failure.memory import likely_cause

Document = Mapping[str, Any]
# What Glue puts before the exception's last line.
BEFORE = re.compile(r"^(?:Error Category: \w+; )?(?:Failed Line Number: \d+; )?")
# What tells that a script failed, not why; `See http...` is what extensions print when they end after it.
EMPTY = re.compile(r"(?:SystemExit: \d+|Command failed with exit code \d+|See https?://\S+|)\s*\.?", re.IGNORECASE)
LARGER = "let the environment's jobs have larger workers (glue_worker in infra/settings.py), or bring less data at once"


def describes(document: Document) -> bool:
    """Whether a description is that of a Glue job's run."""
    return bool(document.get("JobRunState")) or bool(document.get("JobName") and document.get("Id"))


def reason(document: Document) -> str:
    """Why the run ended badly: its exception, who stopped it, or the limit that it ran into."""
    state, said = str(document.get("JobRunState") or ""), _said(document)
    run = f"Run {document.get('Id', 'of unknown id')} of Glue job {document.get('JobName', 'of unknown name')}"
    match state:
        case "STOPPED" | "STOPPING":
            return (
                f"{run} ended as {state}: somebody called BatchStopJobRun, which was not the workflow, for it waited "
                "for the run. CloudTrail names who did."
            )
        case "TIMEOUT":
            return (
                f"{run} ended as TIMEOUT: it ran longer than its limit{_limit(document)}. Raise TIMEOUT in "
                "infra/glue.py and deploy, or let the environment's jobs have more workers (glue_workers in "
                "infra/settings.py)."
            )
        case "EXPIRED":
            return f"{run} ended as EXPIRED: it waited too long for free workers. Redrive when fewer jobs run."
        case "ERROR":
            return f"{run} ended as ERROR, a fault of the service: {said or 'it gave no reason'}. Redrive it."
    return _with_cause(said or f"{run} ended as {state or 'failed'} without a reason.")


def says_little(document: Document) -> bool:
    """Whether the script failed and the description does not say why."""
    return document.get("JobRunState", "FAILED") == "FAILED" and EMPTY.fullmatch(_said(document)) is not None


def _said(document: Document) -> str:
    return BEFORE.sub("", str(document.get("ErrorMessage") or "")).strip()


def _limit(document: Document) -> str:
    minutes = int(document.get("Timeout") or 0)
    return f" of {minutes:,} {'minute' if minutes == 1 else 'minutes'}" if minutes else ""


def _with_cause(text: str) -> str:
    """Exit code 10 is Glue's own for a driver that died, mostly for lack of memory."""
    cause = likely_cause(text, remedy=LARGER)
    if not cause and re.search(r"exit code 10\b", text):
        cause = f"The driver died, which mostly means that memory ran out: {LARGER}."
    return " ".join(each for each in (text, cause) if each)
