"""Measures how often scorings of real data by real models seem to have moved, without and with a reason; on a laptop.

    python -m benchmarks.scored_drift
    python -m benchmarks.scored_drift --uploads 100 --recipe headline_classifier

A model learns from one half of public data (`../shared/data` relative to the repository; what is not there is skipped).
Uploads are 2,000 rows of the other half: as they are, and with a change. Bars: at most 1 % of the former have moved (of
fewer than a hundred, one), and all of the latter, in the column that was changed.
"""

from __future__ import annotations

import argparse
import codecs
import contextlib
import csv
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.figures import DATA, columns
from benchmarks.served_models import train_from_raw
from tests.recipes.bulk import ingest
from trainyard.run import recipe
from trainyard.run.watch.drift import Move, moved
from trainyard.run.watch.profile import DataProfile, TableProfile
from trainyard.stages.answers import AnswerProfiler, naming_rows
from trainyard.stages.ingest.profile import profile

ROWS, PLANTED, MOST_ALARMS = 2_000, 10, 0.01
Change = Callable[[pd.DataFrame, np.ndarray], None]


def in_another_language(*names: str) -> Change:
    """Letters for others: words that no model knows, of the same lengths and frequencies."""

    def change(rows: pd.DataFrame, some: np.ndarray) -> None:
        for name in names:
            rows.loc[some, name] = [codecs.encode(each, "rot13") for each in rows.loc[some, name]]

    return change


def without_value(rows: pd.DataFrame, some: np.ndarray) -> None:
    """Pages that brought nothing: the model's best hint of a sale."""
    rows.loc[some, "PageValues"] = "0"


@dataclass(frozen=True, kw_only=True)
class Case:
    """Data of a recipe, what belongs together in them, and a change of `share` of the rows that moves `column`."""

    recipe: str
    path: str
    file: str
    change: Change
    said: str
    share: float
    column: str
    names: tuple[str, ...] | None = None
    group: str = ""

    def halves(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """What to learn from, and the rest; rows of a group are on one side."""
        plain = {"sep": "\t", "names": list(self.names or ()), "quoting": csv.QUOTE_NONE}
        options: dict[str, Any] = plain if self.names else {}
        rows = pd.read_csv(DATA / self.path, dtype=str, keep_default_na=False, **options)
        groups = rows[self.group] if self.group else pd.Series(np.arange(len(rows)))
        known = groups.drop_duplicates().sample(frac=0.5, random_state=1)
        first = groups.isin(known).to_numpy()
        return rows[first], rows[~first]


CASES = (
    Case(
        recipe="headline_classifier",
        path="news_aggregator/newsCorpora_sample_raw8.tsv.gz",
        file="newsCorpora.csv",
        names=("ID", "TITLE", "URL", "PUBLISHER", "CATEGORY", "STORY", "HOSTNAME", "TIMESTAMP"),
        group="STORY",
        change=in_another_language("TITLE"),
        said="a fifth in another language",
        share=0.2,
        column="answers.unknown_words",
    ),
    Case(
        recipe="neural_topic_model",
        path="amazon_fine_foods/Reviews_first7567.csv.gz",
        file="Reviews.csv",
        change=in_another_language("Summary", "Text"),
        said="a fifth in another language",
        share=0.2,
        column="answers.unknown_words",
    ),
    Case(
        recipe="propensity",
        path="online-shoppers/online_shoppers_intention.csv",
        file="visits.csv",
        change=without_value,
        said="pages bring nothing",
        share=1.0,
        column="answers.propensity",
    ),
)


class Watched(Protocol):
    """A model of some rows that is watched: how many columns were compared last, and which moved in other rows."""

    compared: int

    def moved(self, rows: pd.DataFrame) -> list[Move]: ...


class Watch(Protocol):
    """Trains the model that is watched, on rows of a case."""

    def __call__(self, case: Case, learned: pd.DataFrame, *, folder: Path) -> Watched: ...


def main() -> int:
    """Print the table; the exit code is 1 when a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uploads", type=int, default=20, help="uploads of each recipe without a change")
    parser.add_argument("--recipe", action="append", choices=[each.recipe for each in CASES], help="only this one")
    asked = parser.parse_args()
    return measure(Scoring, draws=asked.uploads, only=asked.recipe)


def measure(watch: Watch, *, draws: int, only: Sequence[str] | None) -> int:
    """Print a table of what `watch` finds in each recipe's data; returns the exit code."""
    rows: list[tuple[str, ...]] = [("recipe", "columns", "false alarms", "with a change", "found", "")]
    for case in CASES:
        if only and case.recipe not in only:
            continue
        if not (DATA / case.path).is_file():
            print(f"{case.recipe}: skipped, no {DATA / case.path}", file=sys.stderr)
            continue
        rows.append(_measured(case, watch, draws=draws))
    print(columns(rows))
    return int(any(each[-1] == "MISSED" for each in rows))


def _measured(case: Case, watch: Watch, *, draws: int) -> tuple[str, ...]:
    learned, rest = case.halves()
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stdout(sys.stderr):
        model = watch(case, learned, folder=Path(scratch))
        drawn = [rest.sample(ROWS, random_state=seed) for seed in range(draws + PLANTED)]
        alarms = [model.moved(each) for each in drawn[:draws]]
        for each in drawn[draws:]:
            case.change(each, each.index[rng.random(ROWS) < case.share].to_numpy())
        found = [model.moved(each) for each in drawn[draws:]]
    for move in (each for draw in alarms for each in draw):
        print(f"{case.recipe}, false alarm: {move.sentence} ({move.distance:.3f}, {move.p_value:.1e})", file=sys.stderr)
    false = sum(map(bool, alarms))
    seen = sum(any(f"{each.table}.{each.column}" == case.column for each in draw) for draw in found)
    met = false <= max(MOST_ALARMS * draws, 1) and seen == PLANTED
    told = (case.recipe, str(model.compared), f"{false} of {draws}", case.said, f"{seen} of {PLANTED}")
    return (*told, "met" if met else "MISSED")


class Scoring:
    """A model of some rows, by what it was trained on and what it answered to held-out ones."""

    def __init__(self, case: Case, learned: pd.DataFrame, *, folder: Path) -> None:
        self._case, self._folder, self._count = case, folder, 0
        self._config = recipe.config(case.recipe)
        learned.to_csv(_made(folder / "raw") / case.file, index=False)
        train_from_raw(case.recipe, folder, hyperparameters={})
        module = recipe.module(case.recipe, "evaluate")
        found = module.evaluate(folder / "model", folder / "process" / "holdout", config=self._config)
        profiler = self._profiler(len(next(iter(found.answers.values()))))
        profiler.add(pa.table(dict(found.answers)))
        self.reference = both(self._ingested(folder / "raw"), profiler.profile())
        self.compared = sum(len(each.columns) for each in self.reference.tables.values())

    def moved(self, rows: pd.DataFrame) -> list[Move]:
        """What moved in some rows, and in the model's answers to them."""
        self._count += 1
        raw = _made(self._folder / f"upload-{self._count}")
        rows.to_csv(raw / self._case.file, index=False)
        data = self._ingested(raw)
        module, tables = recipe.module(self._case.recipe, "score"), raw / "tables"
        profiler = self._profiler(module.count(tables, self._config))
        for each in module.score(self._folder / "model", tables, config=self._config):
            profiler.add(each)
        return moved(self.reference, both(data, profiler.profile()))

    def _profiler(self, rows: int) -> AnswerProfiler:
        name = self._case.recipe
        left_out = naming_rows(recipe.score_columns(name))
        return AnswerProfiler(rows=rows, shares=recipe.shares(name), left_out=left_out)

    def _ingested(self, raw: Path) -> DataProfile:
        tables = _made(raw / "tables")
        files = _made(raw / "files")
        (raw / self._case.file).rename(files / self._case.file)
        ingest(self._case.recipe, files, tables, self._config)
        sources = recipe.sources(self._case.recipe, self._config)
        return profile({each.name: each for each in tables.iterdir()}, sources, scratch=raw)


def both(data: DataProfile, answers: TableProfile) -> DataProfile:
    return DataProfile(tables={**data.tables, "answers": answers})


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


if __name__ == "__main__":
    sys.exit(main())
