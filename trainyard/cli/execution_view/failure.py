"""Prints why an execution failed on the way, with the lines of a log that say most, and how to go on; on a laptop."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from trainyard.client import executions, going_on, logs
from trainyard.client.deployment import Deployment
from trainyard.client.executions import Execution
from trainyard.client.function_log import owners
from trainyard.client.history import StateVisit
from trainyard.stages.explain_failure.log_tail import log_tail
from trainyard.stages.explain_failure.root_cause import Failure, root_cause
from trainyard.stages.explain_failure.told import told

LOG_LINES = 15


def print_failure(deployment: Deployment, execution: Execution, *, visits: Sequence[StateVisit], out: Console) -> None:
    """Print the root cause of an execution that failed, timed out or was stopped, and what to do about it."""
    failure = root_cause(executions.history(deployment.target, execution.arn), status=execution.status)
    lines = _log(deployment, execution, visits=visits, failure=failure)
    why = told(failure, lines, s3=deployment.target.client("s3"), limit=LOG_LINES)
    out.print()
    out.print(Text(f"{execution.status} at {failure.where or 'its start'}: {failure.error}", style="bold red"))
    out.print(Text(why.reason), soft_wrap=True)
    if why.lines:
        out.print(Text(f"Lines of the log of {failure.state}:", style="bold"))
        for line in why.lines:
            out.print(Text(f"  {line}", style="dim"), soft_wrap=True)
    for line in going_on.advice(deployment, execution, state=failure.state):
        out.print(Text(line), soft_wrap=True)


def _log(
    deployment: Deployment, execution: Execution, *, visits: Sequence[StateVisit], failure: Failure
) -> Sequence[str]:
    """The end of the failed job's own log, or what a function wrote; never lines of an earlier attempt's job."""
    if failure.log is not None:
        return log_tail(failure.log, logs=deployment.target.client("logs")).lines
    failed = [each for each in visits if each.name == failure.state]
    own = owners(execution.name, visits)
    return [each.text for each in logs.of_visit(deployment.target, failed[-1], own=own)] if failed else []
