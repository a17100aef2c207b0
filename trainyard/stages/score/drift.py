"""Sets scored data or requests, and the answers, beside those of the run that trained the model; in a Lambda."""

from __future__ import annotations

from dataclasses import dataclass, replace

from trainyard.contract.config import Drift
from trainyard.errors import NotFound
from trainyard.run import recipe
from trainyard.run.documents import ScoreSummary
from trainyard.run.run import Run
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore
from trainyard.run.watch.drift import DataDrift, drift
from trainyard.run.watch.profile import AnswerProfile, DataProfile

# How what a model answers is called among the tables.
ANSWERS = "answers"


@dataclass(frozen=True, kw_only=True)
class ScoreDrift:
    """What was found, and it in words; nothing is `found` where there is nothing to compare with."""

    text: str = ""
    found: DataDrift | None = None


def compare(store: RunStore) -> ScoreDrift:
    """What moved in a run's data or requests since its model was trained, and in the answers; kept beside the summary.

    Of the data that the model itself was trained on nothing is said: they cannot have moved, and a model is surer of
    rows that it learned than of those on which it was evaluated.
    """
    summary = store.read_document(Stage.SCORE, ScoreSummary)
    limits = recipe.config(store.run.recipe, store.run.config).drift
    if summary.model_run == store.run.run_id:
        return ScoreDrift()
    if store.run.task == "check_drift" and summary.rows < limits.least_rows:
        return ScoreDrift(text=_too_few(summary, limits))
    try:
        learned = RunStore(store.client, store.of_run(summary.model_run).read_document(Stage.RESOLVE, Run))
        if store.run.files and learned.run.files == store.run.files:
            return ScoreDrift(text="The model was trained on these very files, so that nothing was compared.")
        before, after = _profile(learned, answered_in=Stage.EVALUATE), _profile(store, answered_in=Stage.SCORE)
    except NotFound:
        return ScoreDrift(text="The model is from before data were profiled, so that nothing was compared.")
    found = drift(before, after, of=learned.run.run_id, limits=limits)
    if not found.compared:
        return ScoreDrift(text=_nothing_watched(store.run, limits))
    store.write_document(Stage.SCORE, found)
    return ScoreDrift(text=_text(found, store.run, summary=summary), found=found)


def _too_few(summary: ScoreSummary, limits: Drift) -> str:
    return (
        f"Nothing was compared: expected at least {limits.least_rows:,} rows of requests of the last {limits.hours} "
        f"hours that the model of run {summary.model_run} answered, found {summary.rows:,}. Look back over more with "
        "drift.hours, or be content with fewer with drift.least_rows."
    )


def _nothing_watched(run: Run, limits: Drift) -> str:
    if run.task != "check_drift":
        return "Nothing was compared: no column of data or answers is watched of this model."
    return (
        "Nothing was compared: no column of requests or answers that is watched of this model has at least "
        f"{limits.least_rows:,} rows of its own in the last {limits.hours} hours (drift.least_rows, drift.hours)."
    )


def _profile(store: RunStore, *, answered_in: Stage) -> DataProfile:
    """The tables of a run, and the answers as one of them, where the recipe says what they are."""
    data = store.read_document(Stage.SCORE if store.run.task == "check_drift" else Stage.INGEST, DataProfile)
    try:
        answers = store.read_document(answered_in, AnswerProfile).answers
    except NotFound:
        return data
    return replace(data, tables={**data.tables, ANSWERS: answers})


def _text(found: DataDrift, run: Run, *, summary: ScoreSummary) -> str:
    since = f"since run {found.reference} trained the model"
    what = f"data and answers moved {since}"
    if run.task == "check_drift":
        what = f"requests and answers moved {since}, by {summary.rows:,} rows"
    if not found.moves:
        return f"None of {found.compared} columns of {what}."
    lines = [f"{found.moved_columns} of {found.compared} columns of {what}:"]
    lines += found.in_message(show_cells=run.show_cells, rest=f"in {DataDrift.FILE} beside the summary")
    return "\n".join(lines)
