"""Retries of faults that only their cause tells apart: what a task gets when the definition is assembled.

A job that ended is always States.TaskFailed, whether SageMaker found no instance for it or its own code failed, and
Retry looks at names only. So the task gets a catcher that looks at the cause. A fault of the service is counted in
$faults and followed by a pause, after which the task is tried again. Anything else makes the catcher raise the cause:
an evaluation error that nothing catches, so that the execution fails in the task's own state, and a redrive goes on
exactly there. docs/decisions/019-service-faults.md has the reasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RETRY_ON_CAUSE = "RetryOnCause"
# The variables that count: a state inside a Map may not assign one of the main flow.
COUNTER, COUNTER_INSIDE = "faults", "child_faults"
State = dict[str, Any]


def catcher(policy: Mapping[str, Any], *, counter: str, following: str) -> State:
    """The catcher of a task: on to the state `following` for a fault whose cause the policy's expression finds.

    States.TaskFailed, the name of a job that failed, stands for every other name as well (but States.Timeout).
    `MaxAttempts` is the number of faults that one execution waits for, and as many more after each redrive.
    """
    redrives = "[$states.context.Execution.RedriveCount, 0][0]"
    left = f"${counter} < {policy['MaxAttempts']} * (1 + {redrives})"
    return {
        "ErrorEquals": policy["ErrorEquals"],
        "Assign": {counter: f"{{% {left} ? ${counter} + 1 : $error($states.errorOutput.Cause) %}}"},
        "Output": f"{{% $contains($states.errorOutput.Cause, /{policy['Cause']}/) ? $states.input : "
        "$error($states.errorOutput.Cause) %}",
        "Next": following,
    }


def pause(task: str, policy: Mapping[str, Any], *, counter: str) -> dict[str, State]:
    """The state before the next attempt, by its name: half to all of a time that doubles with every fault."""
    longest, first = policy["MaxDelaySeconds"], policy["IntervalSeconds"]
    seconds = f"$min([{longest}, {first} * $power(2, ${counter} - 1)])"
    waiting = {
        "Comment": "A fault of the service, not of the task: it may have passed by then.",
        "Type": "Wait",
        "Seconds": f"{{% $ceil({seconds} * (0.5 + $random() / 2)) %}}",
        "Next": task,
    }
    return {f"Wait to {task[0].lower()}{task[1:]} again": waiting}
