"""What can be done to an execution from the page: each action is explained and confirmed before it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trainyard.client import wording
from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions, going_on
from trainyard.client.execution.executions import Execution
from trainyard.client.execution.find_execution import find_execution
from trainyard.client.model import approval
from trainyard.console import pages
from trainyard.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class Action:
    """Something that `trainyard NAME EXECUTION` does too. `do` returns the execution to look at afterwards."""

    title: str
    what: str
    do: Callable[[Deployment, Execution], str]
    danger: bool = False


def _stop(deployment: Deployment, execution: Execution) -> str:
    executions.stop(deployment.target, execution, cause="Stopped in the console")
    return execution.name


def _redrive(deployment: Deployment, execution: Execution) -> str:
    going_on.require_redrive_helps(deployment, execution)
    executions.redrive(deployment.target, execution)
    return execution.name


def _rerun(deployment: Deployment, execution: Execution) -> str:
    return going_on.rerun(deployment, execution)[1]


def _approve(deployment: Deployment, execution: Execution) -> str:
    decision = approval.approve(deployment, _run(execution), note="Approved in the console")
    return approval.started(deployment, decision).name


def _reject(deployment: Deployment, execution: Execution) -> str:
    decision = approval.reject(deployment, _run(execution), note="Rejected in the console")
    return execution.name if decision.version.waiting else approval.started(deployment, decision).name


def _run(execution: Execution) -> str:
    """The run whose version is decided on; where the execution names none, it says so itself."""
    return wording.run_id(execution) or execution.name


ACTIONS = {
    "approve": Action(
        title="Approve",
        what="Its model comes into use, and into service where its settings say so. If another model has come into use "
        "while it waited, it is compared with that one first, and rejected if it does not beat it.",
        do=_approve,
    ),
    "reject": Action(
        title="Reject",
        what="Its model does not come into use. If it is in use, the approved version before it takes its place, and "
        "its endpoint gets that one.",
        do=_reject,
        danger=True,
    ),
    "stop": Action(
        title="Stop",
        what="The execution ends, and the job that it waits for is stopped with it. It can be redriven later.",
        do=_stop,
        danger=True,
    ),
    "redrive": Action(
        title="Redrive",
        what="It goes on from the state that failed, with the code that it began with; earlier states stay done.",
        do=_redrive,
    ),
    "rerun": Action(
        title="Run again",
        what="Another execution starts: the same recipe, data set, settings and versions of the files, and the code "
        "that is deployed now. Stages before training that a run has made from the same are taken over; "
        "the command computes them too with --fresh.",
        do=_rerun,
    ),
}


def ask(request: Request) -> Response:
    """What an action will do, and the form that does it. Raises NotFound."""
    deployment, name = pages.deployment(request), request.path_params["action"]
    action, found = _action(name), find_execution(deployment, request.path_params["name"])
    return pages.page(
        request,
        "confirm.html.j2",
        title=f"{action.title}: {wording.short(found.name)}",
        action=action,
        address=f"/executions/{quote(found.name, safe='')}",
        post=f"/executions/{quote(found.name, safe='')}/{name}",
        command=f"trainyard {name} {found.name}{pages.deployment(request).options}",
    )


def act(request: Request) -> Response:
    """Do it, and show the execution that it was done to or that it started. Raises NotFound and TrainyardError."""
    deployment, action = pages.deployment(request), _action(request.path_params["action"])
    found = find_execution(deployment, request.path_params["name"])
    name = action.do(deployment, found)
    return RedirectResponse(f"/executions/{quote(name, safe='')}", status_code=303)


def _action(name: str) -> Action:
    if name not in ACTIONS:
        raise NotFound(f"Expected one of {', '.join(ACTIONS)}; found {name!r:.60}.")
    return ACTIONS[name]
