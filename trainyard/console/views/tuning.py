"""What the search of a run tried, live while it goes on: a table to be sorted, and a picture per hyperparameter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from trainyard.client.run import runs
from trainyard.client.run.search import Search, Trial, search
from trainyard.console import pages, scatter, tabs
from trainyard.pages.formats import words
from trainyard.run.search_table import number

# The state of the workflow that searches; a test compares it with the definition.
STATE = "Tune hyperparameters"
OBJECTIVE, JOB, STATUS, TOOK = "objective", "job", "status", "took"
# A hyperparameter may have any name, also one of the columns above.
OF_VALUES = "value."


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column to sort by: its address, its words, and `ascending` or `descending` where the table is sorted by it."""

    key: str
    words: str
    order: str = ""
    figure: bool = False

    @property
    def query(self) -> str:
        """What asks for the table sorted by it; once more turns it round."""
        turned = "&order=descending" if self.order == "ascending" else "&order=ascending" if self.order else ""
        return f"?sort={quote(self.key, safe='')}{turned}"


def tuning(request: Request) -> Response:
    """The page, or its live part where that is asked for anew. Raises NotFound."""
    deployment = pages.deployment(request)
    record = runs.read(deployment, request.path_params["recipe"], run_id=request.path_params["run_id"])
    found = search(deployment.target, record)
    template = "search.html.j2" if pages.is_fragment(request) else "tuning.html.j2"
    sort, order = _wanted(request, found)
    return pages.page(
        request,
        template,
        title=f"Search of run {record.request.run_id}",
        run=record,
        tabs_of=tabs.of_record(record),
        found=found,
        columns=_columns(found, sort=sort, order=order) if found else [],
        trials=ordered(found, sort=sort, order=order) if found else [],
        scatters=scatter.scatters(found) if found else [],
        state=STATE,
    )


def _wanted(request: Request, found: Search | None) -> tuple[str, str]:
    """Which column the table is sorted by, the best first unless the address says otherwise."""
    sort, order = request.query_params.get("sort", OBJECTIVE), request.query_params.get("order", "")
    if order not in ("ascending", "descending"):
        best_is_high = found is not None and found.tuning.maximizes
        order = "descending" if sort == OBJECTIVE and best_is_high else "ascending"
    return sort, order


def _columns(found: Search, *, sort: str, order: str) -> list[Column]:
    named = [
        (JOB, "Training job", False),
        *((f"{OF_VALUES}{name}", name, True) for name in found.tuning.ranges),
        (OBJECTIVE, words(found.tuning.objective), True),
        (STATUS, "Status", False),
        (TOOK, "Took", True),
    ]
    return [
        Column(key=key, words=said, order=order if key == sort else "", figure=figure) for key, said, figure in named
    ]


def ordered(found: Search, *, sort: str, order: str) -> Sequence[Trial]:
    """The training jobs by a column, those without a value in it last; in the order of their start for no column."""
    have = [each for each in found.trials if _key(each, sort) is not None]
    lack = [each for each in found.trials if _key(each, sort) is None]
    numbers = all(isinstance(_key(each, sort), float) for each in have)
    return [
        *sorted(
            have,
            key=lambda each: (_key(each, sort) if numbers else 0.0, str(_key(each, sort))),
            reverse=order == "descending",
        ),
        *lack,
    ]


def _key(trial: Trial, sort: str) -> float | str | None:
    if sort.startswith(OF_VALUES):
        value = trial.values.get(sort.removeprefix(OF_VALUES), "")
        found = number(value)
        return found if found is not None else value or None
    return {OBJECTIVE: trial.objective, JOB: trial.job, STATUS: trial.status, TOOK: trial.seconds}.get(sort)
