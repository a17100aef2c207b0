"""How a failed execution may go on: by a redrive, where that can help, or by a rerun; runs on a laptop."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions
from trainyard.client.execution.executions import Execution
from trainyard.client.run.versions_read import versions_read
from trainyard.errors import TrainyardError
from trainyard.run import recipe
from trainyard.run.outcome import FAILURES, Outcome
from trainyard.run.registry import is_decision
from trainyard.stages.explain_failure import going_on
from trainyard.stages.explain_failure.root_cause import root_cause
from trainyard.stages.resolve import request

CHILDREN = "Redrive each child that failed by its own name; see `trainyard executions`."
UNCHANGED: Mapping[str, Any] = {}
AGAIN = "Once the reason is fixed, start it again with `trainyard rerun`."


def advice(deployment: Deployment, execution: Execution, *, state: str) -> list[str]:
    """The lines that tell how to go on with an execution that failed at `state`."""
    return going_on.advice(
        execution.name,
        state=state,
        began=executions.definition(deployment.target, execution.arn),
        deployed=deployed_definition(deployment),
        redrive=f"trainyard redrive {execution.name}{deployment.options}",
        rerun="" if is_decision(execution.input) else f"trainyard rerun {execution.name}{deployment.options}",
    )


def require_redrive_helps(deployment: Deployment, execution: Execution) -> None:
    """Raises TrainyardError where a redrive would do nothing, or run in its old form what is deployed anew by now.

    An execution that came to a Fail state of the workflow would enter it again: nothing before it is repeated.
    """
    if execution.end in FAILURES:
        raise TrainyardError(
            f"Expected an execution that failed on the way; {execution.name} ended in {execution.outcome}, and a "
            f"redrive would only end it so again. {CHILDREN if execution.end is Outcome.CHILDREN_FAILED else AGAIN}"
        )
    events = executions.history(deployment.target, execution.arn)
    state = root_cause(events, status=execution.status).state
    began = executions.definition(deployment.target, execution.arn)
    old = going_on.outdated(state, began=began, deployed=deployed_definition(deployment))
    if old:
        again = "" if is_decision(execution.input) else f"Start it again with `trainyard rerun {execution.name}`, or "
        raise TrainyardError(
            f"Expected {execution.name} to run what is deployed; a new version was deployed after it began, and {old}. "
            f"{again or going_on.DECIDED + ' Or '}redrive it with --anyway."
        )


def rerun(
    deployment: Deployment,
    execution: Execution,
    *,
    changes: Mapping[str, Any] = UNCHANGED,
    newest: bool = False,
    fresh: bool = False,
) -> tuple[str, str]:
    """Start another execution for the same recipe, data set, files and settings; returns its ARN and name.

    `changes` are laid over the settings in the input of the first one.

    With `fresh` it computes every stage, else it takes over what the first one or another run has made from the same.
    It reads the versions of the files and of run.json that the first one read, where that came to read any; or with
    `newest` what lies in the bucket now. As a manual start it works also on versions that another execution has
    claimed. Raises TrainyardError while the first one runs, BadRequest for one whose input was refused, ConfigError for
    changes that the recipe does not know.
    """
    if execution.running:
        raise TrainyardError(
            f"Expected an execution that has ended; {execution.name} is {execution.status}. Stop it first with "
            f"`trainyard stop {execution.name}`."
        )
    given = execution.input if isinstance(execution.input, Mapping) else {}
    if is_decision(given):
        raise TrainyardError(
            f"Expected an execution that an upload or a start began; {execution.name} followed the approval or "
            "rejection of a version. Redrive it, or put a version into use with `trainyard promote RECIPE VERSION`, "
            "which compares nothing."
        )
    asked = request.parse(given)
    overrides = _merged(asked.overrides, changes)
    recipe.config(asked.recipe, overrides)
    versions = {} if newest else asked.versions or versions_read(deployment, execution, asked=asked)
    again = dataclasses.replace(asked, upload=None, overrides=overrides, versions=versions, fresh=fresh)
    return executions.start(deployment, again)


def _merged(settings: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with changes laid over them, group by group."""
    both = {name: (settings[name], value) for name, value in changes.items() if name in settings}
    inner = {name: _merged(*pair) for name, pair in both.items() if all(isinstance(each, Mapping) for each in pair)}
    return {**settings, **changes, **inner}


def deployed_definition(deployment: Deployment) -> Mapping[str, Any]:
    """The definition that new executions run."""
    client = deployment.target.client("stepfunctions")
    found = client.describe_state_machine(stateMachineArn=deployment.state_machine_arn)
    definition: Mapping[str, Any] = json.loads(found["definition"])
    return definition
