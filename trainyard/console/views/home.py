"""The first page: models in use, and what ran, the newest first."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trainyard.client import alarms, wording
from trainyard.client.deployment import Deployment
from trainyard.client.execution.executions import Execution
from trainyard.client.model import approval, endpoints, models
from trainyard.client.model.endpoints import Endpoint
from trainyard.client.model.models import InUse
from trainyard.client.run import artifacts
from trainyard.client.wording import Verdict
from trainyard.console import pages
from trainyard.console.runs import Runs
from trainyard.run import recipe
from trainyard.run.documents import Comparison, Decision, Metric
from trainyard.run.outcome import Outcome
from trainyard.run.run import Run
from trainyard.run.stage import Stage

SHOWN = 30
# To fill the page of a filter, at most so many executions are looked at.
SEARCHED = 1_000
READ_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """A model in use, with what its run found."""

    model: InUse
    dataset: str
    metric: str
    value: Metric | None
    standing: str
    endpoint: Endpoint | None


@dataclass(frozen=True, kw_only=True)
class RunRow:
    """One execution in the list."""

    execution: Execution
    name: str
    verdict: Verdict
    run_id: str = ""
    metric: str = ""
    value: Metric | None = None
    beside: str = ""
    different: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What the list is narrowed to; empty means all. `words` are looked for in names, data sets and run ids."""

    recipe: str = ""
    tone: str = ""
    words: str = ""
    shown: int = SHOWN

    @classmethod
    def of(cls, request: Request) -> Filter:
        asked = request.query_params
        shown = asked.get("shown", "")
        return cls(
            recipe=asked.get("recipe", ""),
            tone=asked.get("status", ""),
            words=asked.get("q", "").strip().lower(),
            shown=min(int(shown), SEARCHED) if shown.isascii() and shown.isdigit() else SHOWN,
        )

    def takes(self, row: RunRow) -> bool:
        execution = row.execution
        text = f"{execution.name} {execution.dataset} {execution.recipe} {wording.run_id(execution)}".lower()
        return (
            self.recipe in ("", execution.recipe)
            and self.tone in ("", row.verdict.tone)
            and all(each in text for each in self.words.split())
        )


def home(request: Request) -> Response:
    """Models in use and runs; the list alone for the part of the page that asks for it anew."""
    deployment, wanted = pages.deployment(request), Filter.of(request)
    rows, idle, more = _rows(pages.site(request).runs, wanted)
    values: dict[str, Any] = {
        "rows": rows,
        "idle": idle,
        "more": more,
        "wanted": wanted,
        "recipes": recipe.names(),
        "now": datetime.now(UTC),
    }
    if pages.is_fragment(request):
        return pages.page(request, "runs.html.j2", **values)
    return pages.page(
        request,
        "home.html.j2",
        title="Runs",
        alarms=alarms.ringing(deployment),
        cards=_cards(deployment),
        waiting=approval.waiting(deployment),
        **values,
    )


def _rows(runs: Runs, wanted: Filter) -> tuple[list[RunRow], list[RunRow], bool]:
    """The rows of executions that did something, those that found nothing to do, and whether there are more."""
    rows: list[RunRow] = []
    idle: list[RunRow] = []
    for row in _matching(runs, wanted):
        if row.execution.end is Outcome.NOTHING:
            idle.append(row)
        elif len(rows) == wanted.shown:
            return rows, idle, True
        else:
            rows.append(row)
    return rows, idle, False


def _matching(runs: Runs, wanted: Filter) -> Iterator[RunRow]:
    for count, execution in enumerate(runs.newest()):
        if count == SEARCHED:
            return
        row = run_row(execution)
        if wanted.takes(row):
            yield row


def run_row(execution: Execution) -> RunRow:
    """An execution as a row: what came of it, its main figure, and what was asked for differently."""
    decided = execution.decision
    main = wording.primary(decided.metrics) if decided else None
    return RunRow(
        execution=execution,
        name=wording.short(execution.name),
        verdict=wording.verdict(execution),
        run_id=wording.run_id(execution) if decided else "",
        metric=main[0] if main else "",
        value=main[1] if main else None,
        beside=_beside(decided),
        different=[f"{path} = {value}" for path, value in wording.differently(execution)],
    )


def _beside(decided: Decision | None) -> str:
    """How the model compares: with the champion, or else with the best baseline."""
    if decided is None:
        return ""
    if decided.champion is not None:
        return f"{wording.signed(decided.champion.difference)} against the champion"
    return decided.standing


def _cards(deployment: Deployment) -> list[ModelCard]:
    """The models in use with their figures, read side by side."""
    served = {each.name: each for each in endpoints.listed(deployment)}
    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        return list(pool.map(lambda each: _card(deployment, each, served=served), models.in_use(deployment)))


def _card(deployment: Deployment, model: InUse, *, served: dict[str, Endpoint]) -> ModelCard:
    run = artifacts.of_run(deployment, model.recipe, run_id=model.run_id)
    request = run.document(Stage.RESOLVE, Run)
    found = run.document(Stage.EVALUATE, Comparison)
    decided = run.document(Stage.GATE, Decision)
    return ModelCard(
        model=model,
        dataset=request.dataset if request else "",
        metric=found.primary if found else "",
        value=found.metrics.get(found.primary) if found else None,
        standing=decided.standing if decided else "",
        endpoint=served.get(endpoints.name_for(deployment, model.name)),
    )
