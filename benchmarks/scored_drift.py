"""Measures how often scorings of real data by real models seem to have moved, without and with a reason; on a laptop.

    python -m benchmarks.scored_drift
    python -m benchmarks.scored_drift --uploads 100 --recipe headline_classifier

A model learns from one half of public data (`../shared/data` relative to the repository; what is not there is
skipped). Uploads are 2,000 rows of the other half, or what 2,000 of its users chose, of whom there are hardly more:
other halves (`--split`) say more than many draws. Each is scored as it is, and with a change. Bars: at most 1 % of the
former have moved (of fewer than a hundred, one), and all of the latter, in the column that was changed.
"""

from __future__ import annotations

import argparse
import codecs
import contextlib
import csv
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
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

ROWS, MOST_ALARMS = 2_000, 0.01
# Other draws than those without a change.
PLANTED_SEEDS = range(1_000_000, 1_000_010)
RETAIL = "online_retail/online_retail_2010_2011.parquet"
# In the names of its products, and a time after all that were bought.
RANGE, LATELY = "CHRISTMAS", "2011-12-10 00:00:00"
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


def of_one_range(group: str, product: str, *, title: str) -> Change:
    """The last ten lines of somebody are products for Christmas, chosen after all others."""

    def change(rows: pd.DataFrame, some: np.ndarray) -> None:
        last = rows.loc[some].groupby(group, sort=False).tail(10).index
        kinds = rows[rows[title].str.contains(RANGE)].drop_duplicates(product)
        drawn = kinds.sample(len(last), replace=True, random_state=len(last))
        for name in (product, title):
            rows.loc[last, name] = drawn[name].to_numpy()
        rows.loc[last, "timestamp"] = LATELY

    return change


def of_one_bundle(group: str, product: str) -> Change:
    """Somebody has the three most frequent products, and nothing else."""

    def change(rows: pd.DataFrame, some: np.ndarray) -> None:
        bundle = rows[product].value_counts().index[:3].to_numpy()
        place = rows.loc[some].groupby(group).cumcount()
        kept = place[place < len(bundle)]
        rows.loc[kept.index, product] = bundle[kept]
        rows.drop(index=place[place >= len(bundle)].index, inplace=True)

    return change


def file_of_texts(names: tuple[str, ...] = ()) -> Callable[[Path], pd.DataFrame]:
    """Reads CSV with a heading, or lines with tabs and the `names` of columns."""
    plain = {"sep": "\t", "names": list(names), "quoting": csv.QUOTE_NONE}
    options: dict[str, Any] = plain if names else {}
    return lambda path: pd.read_csv(path, dtype=str, keep_default_na=False, **options)


def purchases(columns: Mapping[str, str]) -> Callable[[Path], pd.DataFrame]:
    """Reads Online Retail in the order of its times: what was bought and not taken back, by the names in `columns`."""

    def read(path: Path) -> pd.DataFrame:
        rows = pd.read_parquet(path)
        bought = rows[(rows.Quantity > 0) & rows.StockCode.str.match(r"^\d{5}") & rows.CustomerID.notna()]
        customers = bought.CustomerID.astype(int)
        found = bought.assign(CustomerID=customers).sort_values("InvoiceDate", kind="stable")[[*columns]]
        return found.rename(columns=dict(columns)).astype(str).reset_index(drop=True)

    return read


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A change of `share` of what was drawn that moves `column`."""

    change: Change
    said: str
    share: float
    column: str


@dataclass(frozen=True, kw_only=True)
class Case:
    """Data of a recipe, what belongs together in them, and changes that are planted.

    With `whole`, what is drawn and changed is not rows but groups. `learned` is the share that a model learns from.
    """

    recipe: str
    path: str
    read: Callable[[Path], pd.DataFrame]
    file: str
    planted: tuple[Planted, ...]
    group: str = ""
    whole: bool = False
    learned: float = 0.5

    def parts(self, split: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """What to learn from, and the rest, or all where all is learned; rows of a group are on one side."""
        rows = self.read(DATA / self.path)
        groups = rows[self.group] if self.group else pd.Series(np.arange(len(rows)))
        known = groups.drop_duplicates().sample(frac=self.learned, random_state=split)
        first = groups.isin(known).to_numpy()
        return rows[first], rows if first.all() else rows[~first]

    def drawn(self, rows: pd.DataFrame, *, seed: int) -> pd.DataFrame:
        """So many rows or groups, as they are."""
        if not self.whole:
            return rows.sample(ROWS, random_state=seed)
        groups = rows[self.group].drop_duplicates().sample(ROWS, random_state=seed)
        return rows[rows[self.group].isin(groups)].copy()

    def changed(self, rows: pd.DataFrame, planted: Planted, *, seed: int, rng: np.random.Generator) -> pd.DataFrame:
        """So many rows or groups, some of them changed."""
        found = self.drawn(rows, seed=seed)
        drawn = found[self.group].unique() if self.whole else found.index.to_numpy()
        some = drawn[rng.random(len(drawn)) < planted.share]
        planted.change(found, found.index[found[self.group].isin(some)].to_numpy() if self.whole else some)
        return found


CASES = (
    Case(
        recipe="headline_classifier",
        path="news_aggregator/newsCorpora_sample_raw8.tsv.gz",
        file="newsCorpora.csv",
        read=file_of_texts(("ID", "TITLE", "URL", "PUBLISHER", "CATEGORY", "STORY", "HOSTNAME", "TIMESTAMP")),
        group="STORY",
        planted=(
            Planted(
                change=in_another_language("TITLE"),
                said="a fifth in another language",
                share=0.2,
                column="answers.unknown_words",
            ),
        ),
    ),
    Case(
        recipe="neural_topic_model",
        path="amazon_fine_foods/Reviews_first7567.csv.gz",
        read=file_of_texts(),
        file="Reviews.csv",
        planted=(
            Planted(
                change=in_another_language("Summary", "Text"),
                said="a fifth in another language",
                share=0.2,
                column="answers.unknown_words",
            ),
        ),
    ),
    Case(
        recipe="propensity",
        path="online-shoppers/online_shoppers_intention.csv",
        read=file_of_texts(),
        file="visits.csv",
        planted=(Planted(change=without_value, said="pages bring nothing", share=1.0, column="answers.propensity"),),
    ),
    Case(
        recipe="two_tower",
        path=RETAIL,
        file="purchases.csv",
        read=purchases(
            {"CustomerID": "userId", "StockCode": "movieId", "Description": "title", "InvoiceDate": "timestamp"}
        ),
        group="userId",
        whole=True,
        planted=(
            Planted(
                change=of_one_range("userId", "movieId", title="title"),
                said="a third chose from one range lately",
                share=1 / 3,
                column="answers.best_movie",
            ),
            Planted(
                change=of_one_bundle("userId", "movieId"),
                said="a fifth chose the same three alone",
                share=0.2,
                column="answers.best_movie",
            ),
        ),
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
    parser.add_argument("--split", type=int, default=1, help="which halves: each number is another draw of them")
    asked = parser.parse_args()
    return measure(CASES, Scoring, draws=asked.uploads, only=asked.recipe, split=asked.split)


def measure(cases: Sequence[Case], watch: Watch, *, draws: int, only: Sequence[str] | None, split: int = 1) -> int:
    """Print a table of what `watch` finds in each recipe's data; returns the exit code."""
    rows: list[tuple[str, ...]] = [("recipe", "columns", "false alarms", "with a change", "found", "")]
    for case in cases:
        if only and case.recipe not in only:
            continue
        if not (DATA / case.path).is_file():
            print(f"{case.recipe}: skipped, no {DATA / case.path}", file=sys.stderr)
            continue
        rows += _measured(case, watch, draws=draws, split=split)
    print(columns(rows))
    return int(any(each[-1] == "MISSED" for each in rows))


def _measured(case: Case, watch: Watch, *, draws: int, split: int) -> list[tuple[str, ...]]:
    """A row of the table for each planted change; the first has the draws without one too."""
    learned, rest = case.parts(split)
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stdout(sys.stderr):
        model = watch(case, learned, folder=Path(scratch))
        alarms = [model.moved(case.drawn(rest, seed=seed)) for seed in range(draws)]
        found = {
            planted: [model.moved(case.changed(rest, planted, seed=seed, rng=rng)) for seed in PLANTED_SEEDS]
            for planted in case.planted
        }
    for move in (each for draw in alarms for each in draw):
        print(f"{case.recipe}, false alarm: {move.sentence} ({move.distance:.3f}, {move.p_value:.1e})", file=sys.stderr)
    false = sum(map(bool, alarms))
    told = [(case.recipe, str(model.compared), f"{false} of {draws}"), *[("", "", "")] * (len(found) - 1)]
    few = false <= max(MOST_ALARMS * draws, 1)
    return [
        (*start, *_seen(planted, moves, few=few)) for start, (planted, moves) in zip(told, found.items(), strict=True)
    ]


def _seen(planted: Planted, moves: Sequence[Sequence[Move]], *, few: bool) -> tuple[str, ...]:
    """In how many draws the changed column moved, and whether that is all of them, with `few` false alarms."""
    seen = sum(any(f"{each.table}.{each.column}" == planted.column for each in draw) for draw in moves)
    return planted.said, f"{seen} of {len(moves)}", "met" if few and seen == len(moves) else "MISSED"


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
