"""One execution: the yard of its states, live while it runs, what came of it, and where to look further."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from trainyard.client import wording
from trainyard.client.deployment import Deployment
from trainyard.client.execution.executions import Execution
from trainyard.client.execution.find_execution import find_execution
from trainyard.client.execution.history import StateVisit
from trainyard.client.execution.jobs import JobKind
from trainyard.client.execution.observer import Observer, Snapshot
from trainyard.client.execution.reused import notes, reuse_of
from trainyard.client.execution.why_failed import WhyFailed, why_failed
from trainyard.client.wording import Verdict
from trainyard.console import pages
from trainyard.console.tabs import Tabs
from trainyard.console.yard.layout import layout
from trainyard.console.yard.picture import Picture, Row, picture
from trainyard.run.documents import Decision


@dataclass(frozen=True, kw_only=True)
class Running:
    """A job that runs: how far it is between 0 and 1, None where it does not say, and what it says."""

    state: str
    fraction: float | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class ExecutionView:
    """All that the page of an execution shows of it."""

    execution: Execution
    name: str
    run_id: str
    verdict: Verdict
    picture: Picture
    decision: Decision | None
    why: WhyFailed | None = None
    running: Sequence[Running] = ()
    last_line: str = ""
    reuse: Sequence[str] = ()
    different: Sequence[tuple[str, Any]] = ()
    unfolded: frozenset[str] = field(default_factory=frozenset)
    visited_only: bool = False
    searched: bool = False

    @property
    def address(self) -> str:
        """The page of the execution."""
        return f"/executions/{quote(self.execution.name, safe='')}"

    @property
    def tabs(self) -> Tabs:
        """The pages of the run."""
        return Tabs(
            recipe=self.execution.recipe,
            run_id=self.run_id,
            execution=self.execution.name,
            searched=self.searched,
        )

    @property
    def query(self) -> str:
        """How the yard is looked at, as a part of an address."""
        names = "".join(f"&unfold={quote(each, safe='')}" for each in sorted(self.unfolded))
        return f"visited={int(self.visited_only)}{names}"

    def state_address(self, row: Row) -> str:
        """The panel of a row's state."""
        return f"{self.address}/state?name={quote(row.name, safe='')}"

    def unfold_address(self, row: Row) -> str:
        """The page with the states of a row's group shown."""
        return f"{self.address}?{self.query}&unfold={quote(row.name, safe='')}"


def execution(request: Request) -> Response:
    """The page. Raises NotFound."""
    deployment = pages.deployment(request)
    observer = Observer(deployment, find_execution(deployment, request.path_params["name"]).arn)
    view = view_of(observer.snapshot(), observer.machine, deployment=deployment, request=request)
    return pages.page(request, "execution.html.j2", title=view.name, view=view)


def view_of(
    snapshot: Snapshot, machine: Mapping[str, Any], *, deployment: Deployment, request: Request
) -> ExecutionView:
    """A snapshot as the page shows it, with the groups unfolded that the address asks for."""
    asked = request.query_params
    execution, unfolded = snapshot.execution, frozenset(asked.getlist("unfold"))
    visited_only = asked.get("visited") == "1"
    reuse = reuse_of(snapshot.visits)
    drawn = picture(
        layout(machine),
        snapshot.visits,
        now=datetime.now(UTC),
        unfolded=unfolded,
        visited_only=visited_only,
        notes=notes(reuse),
    )
    return ExecutionView(
        execution=execution,
        name=wording.short(execution.name),
        run_id=wording.run_id(execution) or _planned(snapshot.visits),
        verdict=wording.verdict(execution),
        picture=drawn,
        decision=execution.decision,
        why=_why(deployment, snapshot),
        running=_running(snapshot),
        last_line=snapshot.last_line,
        reuse=reuse.sentences if reuse else (),
        different=wording.differently(execution),
        unfolded=unfolded,
        visited_only=visited_only,
        searched=any(job.kind is JobKind.TUNING for visit in snapshot.visits for job in visit.jobs),
    )


def _why(deployment: Deployment, snapshot: Snapshot) -> WhyFailed | None:
    """The root cause of what failed on the way; a state of the workflow that ended it as a failure gave its own."""
    execution = snapshot.execution
    if execution.running or execution.status == "SUCCEEDED" or execution.end is not None:
        return None
    return why_failed(deployment, execution, visits=snapshot.visits)


def _planned(visits: Sequence[StateVisit]) -> str:
    """The run that the first state planned; empty before it has, and where it found nothing to do."""
    plan = visits[0].output if visits else None
    return str(plan.get("run_id") or "") if isinstance(plan, Mapping) else ""


def _running(snapshot: Snapshot) -> list[Running]:
    found = []
    for visit in snapshot.visits:
        if visit.open and visit.job is not None and visit.job.counts:
            fraction, note = snapshot.progress.get(visit.job.id, (None, ""))
            found.append(Running(state=visit.name, fraction=fraction, note=note))
    return found
