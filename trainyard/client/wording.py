"""How executions are called and what came of them, in the words of page and terminal; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainyard.client.execution.executions import Execution
from trainyard.run.documents import Metric
from trainyard.run.outcome import Outcome
from trainyard.run.settings.paths import by_path

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
SHORT = 8
# By the end of the machine: its words, and the colour that they have.
ENDS: Mapping[Outcome, tuple[str, str]] = {
    Outcome.NOTHING: ("nothing to do", "pending"),
    Outcome.REGISTERED: ("registered", "succeeded"),
    Outcome.REFUSED: ("refused by the gate", "caught"),
    Outcome.SCORED: ("scored", "succeeded"),
    Outcome.DEPLOYED: ("in service", "succeeded"),
    Outcome.CHECKED: ("requests checked for drift", "succeeded"),
    Outcome.VERIFIED: ("set beside the truth", "succeeded"),
    Outcome.SUPERSEDED: ("a newer model is in service", "caught"),
    Outcome.WAITING: ("asked for approval", "caught"),
    Outcome.REVERTED: ("an earlier model is in use", "caught"),
    Outcome.CHILDREN: ("every child succeeded", "succeeded"),
    Outcome.BAD_REQUEST: ("request refused", "failed"),
    Outcome.BAD_DATA: ("bad data", "failed"),
    Outcome.NO_MODEL: ("no model to score with", "failed"),
    Outcome.CHILDREN_FAILED: ("some children failed", "failed"),
    Outcome.ROLLED_BACK: ("deployment rolled back", "failed"),
}
STATUSES: Mapping[str, tuple[str, str]] = {
    "RUNNING": ("running", "running"),
    "PENDING_REDRIVE": ("about to go on", "running"),
    "SUCCEEDED": ("succeeded", "succeeded"),
    "FAILED": ("failed", "failed"),
    "TIMED_OUT": ("timed out", "failed"),
    "ABORTED": ("stopped", "aborted"),
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came of an execution: a few words, the tone that colours them, and more, where there is more to say."""

    words: str
    tone: str
    why: str = ""


def short(name: str) -> str:
    """An execution's name with its UUID cut to what tells it apart.

    >>> short("train-8f14e45f-ceea-467f-ab3d-9c1c3a1f6b2e")
    'train-8f14e45f'
    """
    return UUID.sub(lambda found: found[0][:SHORT], name)


def short_run(run_id: str) -> str:
    """A run's id without its hash, by which it is still found: `20261129-062245`."""
    return "-".join(run_id.split("-")[:2])


def verdict(execution: Execution) -> Verdict:
    """What came of an execution, or how it stands."""
    words, tone = _words(execution)
    return Verdict(words=words, tone=tone, why="" if execution.running else _reason(execution))


def tone(execution: Execution) -> str:
    """The tone of its verdict, for whom the whole of it would be too slow: of a thousand executions."""
    return _words(execution)[1]


def _words(execution: Execution) -> tuple[str, str]:
    """Words and tone, by its end or else by its status."""
    if execution.end is not None:
        return ENDS[execution.end]
    return STATUSES.get(execution.status, (execution.status.lower(), "pending"))


def _reason(execution: Execution) -> str:
    if execution.status != "SUCCEEDED":
        return execution.failure
    reason = execution.output.get("reason", "") if isinstance(execution.output, Mapping) else ""
    decided = execution.decision
    return decided.summary if decided is not None else str(reason)


def run_id(execution: Execution) -> str:
    """The run of an execution that has ended, empty for one that runs or made none."""
    found = execution.output.get("run_id", "") if isinstance(execution.output, Mapping) else ""
    return str(found or "")


def primary(metrics: Mapping[str, Metric]) -> tuple[str, Metric] | None:
    """The metric that models are compared by: the one with an interval; None without one."""
    return next(((name, each) for name, each in metrics.items() if each.low is not None), None)


def differently(execution: Execution) -> list[tuple[str, Any]]:
    """What a manual start asked for beside recipe and data set, as `hyperparameters.epochs` and its value."""
    given = execution.input.get("overrides") if isinstance(execution.input, Mapping) else None
    return list(by_path(given)) if isinstance(given, Mapping) else []
