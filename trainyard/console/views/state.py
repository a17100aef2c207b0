"""One state of an execution: why it failed, what went in and came out, its job, and the end of its log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from trainyard.client import wording
from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions, logs
from trainyard.client.execution.executions import Execution
from trainyard.client.execution.find_execution import find_execution
from trainyard.client.execution.function_log import owners
from trainyard.client.execution.history import StateVisit, visits
from trainyard.client.execution.log_line import LogLine
from trainyard.console import pages
from trainyard.stages.explain_failure.cause import reason_of

SHOWN_LINES = 500


@dataclass(frozen=True, kw_only=True)
class VisitView:
    """One visit of a state."""

    visit: StateVisit
    seconds: float
    reason: str
    input: str
    output: str


def state(request: Request) -> Response:
    """The panel beside the yard, or as a page of its own where no script asks. Raises NotFound."""
    deployment = pages.deployment(request)
    found, visited, name = _named(deployment, request)
    now = datetime.now(UTC)
    job = request.query_params.get("job", "")
    lines = _lines(deployment, found, visited=visited, name=name, job=job)
    wanted = request.query_params.get("find", "").lower()
    shown = [each for each in lines if wanted in each.text.lower()][-SHOWN_LINES:]
    template = "state.html.j2" if pages.is_fragment(request) else "state_page.html.j2"
    return pages.page(
        request,
        template,
        level=2 if pages.is_fragment(request) else 1,
        title=f"{name} of {wording.short(found.name)}",
        execution=found,
        name=name,
        visits=[_view(each, now) for each in visited if each.name == name],
        lines=shown,
        count=len(lines),
        find=wanted,
        job=job,
        now=now,
    )


def log(request: Request) -> Response:
    """The whole log of a state's work, as a file."""
    deployment = pages.deployment(request)
    found, visited, name = _named(deployment, request)
    lines = _lines(deployment, found, visited=visited, name=name, job=request.query_params.get("job", ""))
    text = "".join(f"{each.time.isoformat()} {each.stream} {each.text}\n" for each in lines)
    # The name of a state may hold any character; that of the file tells which execution it is.
    file = f"{wording.short(found.name)}.log"
    return PlainTextResponse(text, headers={"content-disposition": f'attachment; filename="{file}"'})


def _named(deployment: Deployment, request: Request) -> tuple[Execution, Sequence[StateVisit], str]:
    found = find_execution(deployment, request.path_params["name"])
    visited = visits(executions.history(deployment.target, found.arn))
    return found, visited, request.query_params.get("name", "")


def _lines(
    deployment: Deployment, execution: Execution, *, visited: Sequence[StateVisit], name: str, job: str = ""
) -> Sequence[LogLine]:
    """What the work of a state wrote, or of a search the training job of that name alone."""
    own = owners(execution.name, visited)
    found = [line for each in visited if each.name == name for line in logs.of_visit(deployment.target, each, own=own)]
    return [each for each in found if each.stream.startswith(f"{job}/")] if job else found


def _view(visit: StateVisit, now: datetime) -> VisitView:
    return VisitView(
        visit=visit,
        seconds=visit.elapsed(now).total_seconds(),
        reason=reason_of(visit.cause) if visit.cause else "",
        input=_json(visit.input),
        output=_json(visit.output),
    )


def _json(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
