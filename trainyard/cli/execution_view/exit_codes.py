"""The exit codes of commands that follow an execution, by how it ended; pure."""

from __future__ import annotations

from collections.abc import Mapping

from trainyard.client.execution.executions import Execution
from trainyard.run.outcome import Outcome

DONE, FAILED, BAD_REQUEST, BAD_DATA, REFUSED = 0, 1, 2, 3, 5
# As a shell counts a program that Ctrl-C ended.
DETACHED = 130

EXIT_CODES: Mapping[Outcome, int] = {
    Outcome.NOTHING: DONE,
    Outcome.REGISTERED: DONE,
    Outcome.REFUSED: REFUSED,
    Outcome.SCORED: DONE,
    Outcome.VERIFIED: DONE,
    Outcome.DEPLOYED: DONE,
    Outcome.CHECKED: DONE,
    Outcome.SUPERSEDED: DONE,
    Outcome.WAITING: DONE,
    Outcome.REVERTED: DONE,
    Outcome.CHILDREN: DONE,
    Outcome.BAD_REQUEST: BAD_REQUEST,
    Outcome.BAD_DATA: BAD_DATA,
    Outcome.NO_MODEL: BAD_REQUEST,
    Outcome.CHILDREN_FAILED: FAILED,
    Outcome.ROLLED_BACK: FAILED,
}


def exit_code(execution: Execution) -> int:
    """0 when it did what it was asked (or still runs), 2 bad request, 3 bad data, 5 model refused, 1 failed."""
    if execution.running:
        return DONE
    if execution.end is not None:
        return EXIT_CODES[execution.end]
    return DONE if execution.status == "SUCCEEDED" else FAILED
