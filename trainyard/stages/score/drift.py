"""Sets scored data, and the answers to them, beside those of the run that trained the model; in a Lambda."""

from __future__ import annotations

from dataclasses import dataclass, replace

from trainyard.errors import NotFound
from trainyard.run import recipe
from trainyard.run.documents import ScoreSummary
from trainyard.run.drift import DataDrift, drift
from trainyard.run.profile import AnswerProfile, DataProfile
from trainyard.run.run import Run
from trainyard.run.stage import Stage
from trainyard.run.store import RunStore

# How what a model answers is called among the tables.
ANSWERS = "answers"


@dataclass(frozen=True, kw_only=True)
class ScoreDrift:
    """What was found, and it in words; nothing is `found` where there is nothing to compare with."""

    text: str = ""
    found: DataDrift | None = None


def compare(store: RunStore) -> ScoreDrift:
    """What moved in a scored run's data since its model was trained, and in the answers; kept beside the summary.

    Of the data that the model itself was trained on nothing is said: they cannot have moved, and a model is surer of
    rows that it learned than of those on which it was evaluated.
    """
    model_run = store.read_document(Stage.SCORE, ScoreSummary).model_run
    if model_run == store.run.run_id:
        return ScoreDrift()
    try:
        learned = RunStore(store.client, store.of_run(model_run).read_document(Stage.RESOLVE, Run))
        if store.run.files and learned.run.files == store.run.files:
            return ScoreDrift(text="The model was trained on these very files, so that nothing was compared.")
        before, after = _profile(learned, answered_in=Stage.EVALUATE), _profile(store, answered_in=Stage.SCORE)
    except NotFound:
        return ScoreDrift(text="The model is from before data were profiled, so that nothing was compared.")
    limits = recipe.config(store.run.recipe, store.run.config).drift
    found = drift(before, after, of=learned.run.run_id, limits=limits)
    store.write_document(Stage.SCORE, found)
    return ScoreDrift(text=_text(found, show_cells=store.run.show_cells), found=found)


def _profile(store: RunStore, *, answered_in: Stage) -> DataProfile:
    """The tables of a run, and the answers as one of them, where the recipe says what they are."""
    data = store.read_document(Stage.INGEST, DataProfile)
    try:
        answers = store.read_document(answered_in, AnswerProfile).answers
    except NotFound:
        return data
    return replace(data, tables={**data.tables, ANSWERS: answers})


def _text(found: DataDrift, *, show_cells: bool) -> str:
    since = f"since run {found.reference} trained the model"
    if not found.moves:
        return f"None of {found.compared} columns of data and answers moved {since}."
    lines = [f"{found.moved_columns} of {found.compared} columns of data and answers moved {since}:"]
    lines += found.in_message(show_cells=show_cells, rest=f"in {DataDrift.FILE} beside the summary")
    return "\n".join(lines)
