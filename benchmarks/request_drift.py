"""Measures how often requests to real models seem to have moved, without and with a reason; runs on a laptop.

    python -m benchmarks.request_drift
    python -m benchmarks.request_drift --draws 100 --recipe headline_classifier

Models and data are those of `benchmarks.scored_drift`. A draw is 2,000 requests made of rows that the model has not
learned from, answered by the service's own predictor, kept as the service keeps them, and checked as the job does.
Bars: as there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.scored_drift import Case, Scoring, both, measure
from tests.recipes.captured import MODEL_RUN, keep, run_of
from trainyard.run import recipe
from trainyard.run.watch.drift import Move, moved
from trainyard.run.watch.drift_check import DriftCheck
from trainyard.run.watch.profile import AnswerProfile, DataProfile
from trainyard.stages.check_drift.check_drift import check_drift

Row = Mapping[Any, Any]
# How callers write a row of the files: without the fields that a model does not ask for.
REQUESTS: Mapping[str, Callable[[Row], Row]] = {
    "headline_classifier": lambda row: {"title": row["TITLE"]},
    "neural_topic_model": lambda row: {"title": row["Summary"], "text": row["Text"]},
    "propensity": lambda row: {name: value for name, value in row.items() if name != "Revenue"},
}


def main() -> int:
    """Print the table; the exit code is 1 when a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=20, help="draws for each recipe without a change")
    parser.add_argument("--recipe", action="append", choices=[*REQUESTS], help="only this one")
    asked = parser.parse_args()
    return measure(_Endpoint, draws=asked.draws, only=asked.recipe)


class _Endpoint:
    """A model of some rows, asked for others."""

    def __init__(self, case: Case, learned: pd.DataFrame, *, folder: Path) -> None:
        self._case, self._folder, self._count, self.compared = case, folder, 0, 0
        self._reference = Scoring(case, learned, folder=folder).reference
        self._predictor = recipe.module(case.recipe, "serve").load(folder / "model")
        tables = {name: each for name, each in self._reference.tables.items() if name != "answers"}
        answers = self._reference.tables["answers"]
        self._check = DriftCheck(model_run=MODEL_RUN, hours=1, files=1, found=1, tables=tables, answers=answers)

    def moved(self, rows: pd.DataFrame) -> list[Move]:
        """What moved in requests made of some rows, and in the answers to them."""
        self._count += 1
        kept = self._folder / f"draw-{self._count}"
        kept.mkdir()
        requests = [REQUESTS[self._case.recipe](each) for each in rows.to_dict("records")]
        keep(kept / "kept.parquet", requests, self._predictor.predict(requests))
        run = run_of(self._case.recipe, recipe.config(self._case.recipe))
        check_drift(run, self._check, captured=kept, model_dir=self._folder / "model", output=kept)
        found = both(DataProfile.read(kept), AnswerProfile.read(kept).answers)
        self.compared = sum(
            len(each.columns.keys() & self._reference.tables[name].columns.keys())
            for name, each in found.tables.items()
        )
        return moved(self._reference, found)


if __name__ == "__main__":
    sys.exit(main())
