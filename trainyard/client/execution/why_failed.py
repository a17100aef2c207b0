"""Why an execution failed on the way, with the lines of a log that say most, and how to go on; runs on a laptop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions, going_on, logs
from trainyard.client.execution.executions import Execution
from trainyard.client.execution.function_log import owners
from trainyard.client.execution.history import StateVisit
from trainyard.stages.explain_failure.log_tail import log_tail
from trainyard.stages.explain_failure.root_cause import Failure, root_cause
from trainyard.stages.explain_failure.told import told

LOG_LINES = 15


@dataclass(frozen=True, kw_only=True)
class WhyFailed:
    """The state, with the Map and item that it belongs to in `where`; the error's name, one reason, and what to do."""

    state: str
    where: str
    error: str
    reason: str
    lines: Sequence[str]
    advice: Sequence[str]


def why_failed(deployment: Deployment, execution: Execution, *, visits: Sequence[StateVisit]) -> WhyFailed:
    """The root cause of an execution that failed, timed out or was stopped."""
    failure = root_cause(executions.history(deployment.target, execution.arn), status=execution.status)
    lines = _log(deployment, execution, visits=visits, failure=failure)
    why = told(failure, lines, s3=deployment.target.client("s3"), limit=LOG_LINES)
    return WhyFailed(
        state=failure.state,
        where=failure.where or "its start",
        error=failure.error,
        reason=why.reason,
        lines=why.lines,
        advice=going_on.advice(deployment, execution, state=failure.state),
    )


def _log(
    deployment: Deployment, execution: Execution, *, visits: Sequence[StateVisit], failure: Failure
) -> Sequence[str]:
    """The end of the failed job's own log, or what a function wrote; never lines of an earlier attempt's job."""
    if failure.log is not None:
        return log_tail(failure.log, logs=deployment.target.client("logs")).lines
    failed = [each for each in visits if each.name == failure.state]
    own = owners(execution.name, visits)
    return [each.text for each in logs.of_visit(deployment.target, failed[-1], own=own)] if failed else []
