"""The first page: models in use, and what ran, the newest first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
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
from trainyard.console.runs import Patience, Runs
from trainyard.run import recipe
from trainyard.run.documents import Comparison, Decision, Metric
from trainyard.run.outcome import Outcome
from trainyard.run.run import Run
from trainyard.run.stage import Stage

SHOWN = 30
# To fill the page of a filter, at most so many executions are looked at.
SEARCHED = 1_000
READ_AT_ONCE = 8
# A page is there after this, and its list goes on by itself: in an account each execution is asked for by itself.
FIRST_SECONDS, NEXT_SECONDS = 0.2, 1.0


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
            shown=min(pages.whole(shown, otherwise=SHOWN), SEARCHED),
        )

    def takes(self, execution: Execution) -> bool:
        text = f"{execution.name} {execution.dataset} {execution.recipe} {wording.run_id(execution)}".lower()
        return (
            self.recipe in ("", execution.recipe)
            and self.tone in ("", wording.tone(execution))
            and all(each in text for each in self.words.split())
        )


@dataclass(kw_only=True)
class RunList:
    """Rows of executions that did something, and `idle` ones that found nothing to do.

    There may be `more` than are shown; `unfinished` says that time was over when so many had been `looked_at`.
    """

    rows: list[RunRow] = field(default_factory=list)
    idle: list[RunRow] = field(default_factory=list)
    more: bool = False
    looked_at: int = 0
    unfinished: bool = False


def home(request: Request) -> Response:
    """Models in use and runs; the list alone for the part of the page that asks for it anew."""
    deployment, wanted, fragment = pages.deployment(request), Filter.of(request), pages.is_fragment(request)
    patience = Patience(seconds=NEXT_SECONDS if fragment else FIRST_SECONDS)
    values: dict[str, Any] = {"wanted": wanted, "recipes": recipe.names(), "now": datetime.now(UTC)}
    runs = pages.site(request).runs
    if fragment:
        return pages.page(request, "runs.html.j2", found=_listed(runs, wanted, patience=patience), **values)
    # Each is several calls, one after the other: side by side they take as long as the slowest.
    with ThreadPoolExecutor() as pool:
        found = pool.submit(_listed, runs, wanted, patience=patience)
        ringing = pool.submit(alarms.ringing, deployment)
        waiting = pool.submit(approval.waiting, deployment)
        cards = _cards(deployment)
    return pages.page(
        request,
        "home.html.j2",
        title="Runs",
        found=found.result(),
        alarms=ringing.result(),
        cards=cards,
        waiting=waiting.result(),
        **values,
    )


def _listed(runs: Runs, wanted: Filter, *, patience: Patience) -> RunList:
    found = RunList()
    for execution in islice(runs.newest(patience), SEARCHED):
        found.looked_at += 1
        if not wanted.takes(execution):
            continue
        if execution.end is Outcome.NOTHING:
            found.idle.append(run_row(execution))
        elif len(found.rows) == wanted.shown:
            found.more = True
            return found
        else:
            found.rows.append(run_row(execution))
    found.unfinished = patience.over
    return found


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
        return f"{decided.champion.difference.text} against the champion"
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
