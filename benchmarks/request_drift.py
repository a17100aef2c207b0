"""Measures how often requests to real models seem to have moved, without and with a reason; runs on a laptop.

    python -m benchmarks.request_drift
    python -m benchmarks.request_drift --draws 100 --recipe headline_classifier

Models and data are those of `benchmarks.scored_drift`, and baskets of a shop. A draw is 2,000 requests made of rows
that the model has not learned from, answered by the service's own predictor, kept as the service keeps them, and
checked as the job does. Users are asked for by their ids, so that these are the ones that the model learned from, and
bring what they chose since. Bars: as there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.scored_drift import (
    CASES,
    LATELY,
    RETAIL,
    Case,
    Planted,
    Scoring,
    both,
    measure,
    of_one_bundle,
    of_one_range,
    purchases,
)
from tests.recipes.captured import MODEL_RUN, keep, run_of
from trainyard.run import recipe
from trainyard.run.watch.drift import Move, moved
from trainyard.run.watch.drift_check import DriftCheck
from trainyard.run.watch.profile import AnswerProfile, DataProfile
from trainyard.stages.check_drift.check_drift import check_drift

Row = Mapping[Any, Any]


def _of_each_row(request: Callable[[Row], Row]) -> Callable[[pd.DataFrame], list[Row]]:
    return lambda rows: [request(each) for each in rows.to_dict("records")]


def _of_users(rows: pd.DataFrame) -> list[Row]:
    """A user by id, with what was chosen after all that the model knows."""
    lately = rows[rows.timestamp == LATELY].groupby("userId").movieId.agg(list)
    return [
        {"uid": user, "ratings": [{"movie_id": each} for each in lately.get(user, ())]} for user in rows.userId.unique()
    ]


def _of_baskets(rows: pd.DataFrame) -> list[Row]:
    """All products of an order but the last, in the order of its lines."""
    return [
        {"basket": each[:-1]} for each in rows.groupby("order_id", sort=False).product_id.agg(list) if len(each) > 1
    ]


# How callers write rows of the files: without the fields that a model does not ask for.
REQUESTS: Mapping[str, Callable[[pd.DataFrame], list[Row]]] = {
    "headline_classifier": _of_each_row(lambda row: {"title": row["TITLE"]}),
    "neural_topic_model": _of_each_row(lambda row: {"title": row["Summary"], "text": row["Text"]}),
    "propensity": _of_each_row(lambda row: {name: value for name, value in row.items() if name != "Revenue"}),
    "two_tower": _of_users,
    "prod2vec": _of_baskets,
}
BASKETS = Case(
    recipe="prod2vec",
    path=RETAIL,
    file="orders.csv",
    read=purchases({"InvoiceNo": "order_id", "StockCode": "product_id", "Description": "product_name"}),
    group="order_id",
    whole=True,
    planted=(
        Planted(
            change=of_one_range("order_id", "product_id", title="product_name"),
            said="half end with one range",
            share=0.5,
            column="answers.goes_with",
        ),
        Planted(
            change=of_one_bundle("order_id", "product_id"),
            said="a fifth are the same bundle",
            share=0.2,
            column="answers.goes_with",
        ),
    ),
)
# Whom a model remembers has more than a bundle.
REQUEST_CASES = (
    *(replace(each, learned=1.0, planted=each.planted[:1]) if each.whole else each for each in CASES),
    BASKETS,
)


def main() -> int:
    """Print the table; the exit code is 1 when a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=20, help="draws for each recipe without a change")
    parser.add_argument("--recipe", action="append", choices=[*REQUESTS], help="only this one")
    asked = parser.parse_args()
    return measure(REQUEST_CASES, _Endpoint, draws=asked.draws, only=asked.recipe)


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
        requests = REQUESTS[self._case.recipe](rows)
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
