"""Measures propensity against its bars: real visits, the grid, and a million visits in a database; on a laptop.

    python -m benchmarks.propensity                      # real visits: ../shared/data/online-shoppers, five seeds
    python -m benchmarks.propensity --grid               # 32 combinations x 15 epochs on 72,000 rows
    python -m benchmarks.propensity --database 1000000   # dates, sample and reading on MariaDB (needs mariadb-server)

Real visits are split 80/20, stratified by outcome; scaling, networks and gradient boosting see the 80 % only. Without
the column PageValues, which Google Analytics computes from the sales themselves, is the honest case.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from benchmarks.figures import DATA, Figure, Measured, Rival, Skipped, conclude, over_seeds, required
from recipes.propensity import sample
from recipes.propensity.column_names import says_code
from recipes.propensity.config import CONFIG, Config
from recipes.propensity.database import aggregate_tables
from recipes.propensity.database.downsampling import SAMPLED_VISITS, downsample
from recipes.propensity.database.read_visits import into_parquet
from recipes.propensity.database.sales_window import find_dates
from recipes.propensity.database.schema import METADATA
from recipes.propensity.evaluate import gradient_boosting
from recipes.propensity.features import Encoder
from recipes.propensity.metrics import classification_metrics
from recipes.propensity.population import Population
from recipes.propensity.training_data import INPUTS_FILE, LABELS_FILE, TrainingData
from trainyard.run.overrides import override
from trainyard.stages.ingest import database

RECIPE = "propensity"
SHOPPERS = DATA / "online-shoppers" / "online_shoppers_intention.csv"
SEEDS = range(5)
# Metric, bar, stretch; a loss is better the lower it is.
BARS = {
    "all columns": {"auc": (0.928, 0.9315), "pr_auc": (0.735, 0.745), "log_loss": (0.232, 0.226)},
    "without PageValues": {"auc": (0.770, 0.784)},
}
ROUNDS = 5
GRID_ROWS, GRID_INPUTS, GRID_SECONDS, DATABASE_SECONDS = 72_000, 60, 45.0, 1.5


def main(arguments: Sequence[str]) -> int:
    """Print what was asked for; the exit code is 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grid", action="store_true", help="time the search")
    parser.add_argument("--database", type=int, metavar="VISITS", help="time a database of this many visits")
    options = parser.parse_args(arguments)
    try:
        if options.grid:
            return conclude(_grid())
        return conclude(_database(options.database) if options.database else figures())
    except Skipped as reason:
        print(f"{RECIPE}: skipped, {reason}")
        return 0


def figures(*, quick: bool = False) -> list[Figure]:
    """What the benchmark measures on real visits; raises Skipped without the data."""
    visits = pd.read_csv(required(SHOPPERS))
    visits["is_sale"] = visits.pop("Revenue").astype(int)
    categories = [str(name) for name in visits if says_code(str(name)) or visits[str(name)].dtype.kind not in "if"]
    visits[categories] = visits[categories].astype(str)
    found = []
    for case in BARS:
        used = visits.drop(columns="PageValues") if case == "without PageValues" else visits
        found += _case(case, [_seed(used, seed) for seed in SEEDS[: 1 if quick else len(SEEDS)]])
    return found


def _case(case: str, seeds: Sequence[Mapping[str, Mapping[str, float]]]) -> list[Figure]:
    """Network beside gradient boosting on one set of columns, the mean of its probabilities, and what a fit costs."""
    found = []
    for metric, (bar, stretch) in BARS[case].items():
        own, other = ([each[model][metric] for each in seeds] for model in ("network", "boosting"))
        found.append(
            Figure(
                recipe=RECIPE,
                metric=f"{metric}, {case}",
                measured=over_seeds(own),
                rivals=(Rival(name="HistGradientBoosting", value=float(np.mean(other))),),
                bar=bar,
                stretch=stretch,
                lower_is_better=metric == "log_loss",
            )
        )
    ratios = over_seeds([each["network"]["mean_to_rate"] for each in seeds])
    off = Measured(abs(ratios.value - 1))
    beside = (Rival(name="mean probability / true rate", value=ratios.value),)
    metric = f"mean probability off the true rate, {case}"
    found.append(Figure(recipe=RECIPE, metric=metric, measured=off, rivals=beside, bar=0.05, lower_is_better=True))
    spent = over_seeds([each["cpu"]["seconds"] for each in seeds])
    return [*found, Figure(recipe=RECIPE, metric=f"fit and score, CPU s, {case}", measured=spent)]


def _seed(visits: pd.DataFrame, seed: int) -> dict[str, Mapping[str, float]]:
    """Metrics of the recipe's network and of gradient boosting on one split."""
    from sklearn.model_selection import train_test_split

    learned, held_out = train_test_split(visits, test_size=0.2, stratify=visits["is_sale"], random_state=seed)
    labels = held_out["is_sale"].to_numpy(float)
    population = _itself(int(learned["is_sale"].sum()), len(learned))
    config = override(CONFIG, {"seed": seed, "hyperparameters": {"search": "none"}})
    started = time.process_time()
    network = _probabilities(learned, held_out, population=population, config=config)
    seconds = time.process_time() - started
    boosted = gradient_boosting(learned, held_out, seed=seed)
    return {
        "network": classification_metrics(network, labels, population=population, threshold=0.5),
        "boosting": classification_metrics(boosted, labels, population=population, threshold=0.5),
        "cpu": {"seconds": seconds},
    }


def _probabilities(
    learned: pd.DataFrame, held_out: pd.DataFrame, *, population: Population, config: Config
) -> np.ndarray:
    """The recipe's own training on some visits, and what its model says of others."""
    from recipes.propensity.inference import Ensemble
    from recipes.propensity.train import train

    with tempfile.TemporaryDirectory() as scratch:
        folders = {name: Path(scratch) / name for name in ("train", "validation", "features", "model", "checkpoints")}
        for folder in folders.values():
            folder.mkdir()
        encoder = Encoder.fit(learned, max_categories=config.data.max_categories)
        encoder.save(folders["features"])
        population.save(folders["features"])
        fold = np.random.default_rng(config.seed).permutation(len(learned)) % config.data.folds
        for name, rows in (("validation", learned[fold == 0]), ("train", learned[fold != 0])):
            np.save(folders[name] / INPUTS_FILE, encoder.transform(rows))
            np.save(folders[name] / LABELS_FILE, rows["is_sale"].to_numpy(np.float32))
        _quietly(lambda: train(folders, folders["model"], checkpoints=folders["checkpoints"], config=config))
        return Ensemble.load(folders["model"]).probabilities(held_out)


def _itself(sales: int, visits: int) -> Population:
    counts = {"sales": sales, "others": visits - sales, "sampled_sales": sales, "sampled_others": visits - sales}
    return Population(product_id=0, start_date=None, end_date=None, sales_volume=sales, seed=0, **counts)


def _grid() -> list[Figure]:
    from recipes.propensity import grid_search

    random = np.random.default_rng(0)
    inputs = random.normal(size=(GRID_ROWS, GRID_INPUTS)).astype(np.float32)
    labels = (random.random(GRID_ROWS) < 1 / (1 + np.exp(2.5 - inputs[:, :6].sum(axis=1)))).astype(np.float32)
    data = TrainingData(inputs=inputs, labels=labels, folds=np.arange(GRID_ROWS) % 5)
    started, cpu = time.perf_counter(), time.process_time()
    results = grid_search.search(data, CONFIG.data.grid, learning_rate=1e-3, seed=1)
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    epochs = sum(result.epochs_run for _, result in results)
    metric = f"{len(results)} combinations, {epochs} epochs of {GRID_ROWS:,} x {GRID_INPUTS}, s on two idle cores"
    beside = (Rival(name="CPU seconds", value=cpu),)
    measured = Measured(wall)
    return [
        Figure(recipe=RECIPE, metric=metric, measured=measured, rivals=beside, bar=GRID_SECONDS, lower_is_better=True)
    ]


def _database(size: int) -> list[Figure]:
    from tests.recipes.propensity import mariadb

    if mariadb.programs() is None:
        raise Skipped("MariaDB is not installed: apt-get install mariadb-server")
    with mariadb.running() as url, tempfile.TemporaryDirectory() as scratch:
        options = database.options_of(url)
        engine = sa.create_engine(url, **options | {"connect_args": {"local_infile": True}})
        with engine.connect() as connection:
            load = _timed(lambda: _load(connection, size, scratch=Path(scratch)))[1]
            rounds = [_round(connection, Path(scratch) / f"visits-{number}") for number in range(ROUNDS)]
        engine.dispose()
    print(f"{size:,} visits loaded in {load:.1f} s", file=sys.stderr)
    # The first rounds meet a server that still writes out what was loaded.
    rounds.sort(key=lambda each: each.total)
    middle = rounds[ROUNDS // 2]
    beside = tuple(Rival(name=f"{name}, s", value=value) for name, value in middle.seconds.items())
    metric = f"dates, sample and reading of {size:,} visits, s, median of {ROUNDS}"
    total = Measured(middle.total, rounds[0].total, rounds[-1].total)
    same = len({each.drawn for each in rounds}) == 1
    return [
        Figure(recipe=RECIPE, metric=metric, measured=total, rivals=beside, bar=DATABASE_SECONDS, lower_is_better=True),
        Figure(recipe=RECIPE, metric="same seed, same sample (1 is yes)", measured=Measured(same), bar=1),
    ]


@dataclass(frozen=True)
class _Round:
    """Seconds of each part, their sum without the original's way, and a number that stands for the drawn visits."""

    seconds: Mapping[str, float]
    total: float
    drawn: int


def _round(connection: sa.Connection, folder: Path) -> _Round:
    end = connection.execute(sa.text("SELECT max(sales_date) FROM sales")).scalar_one()
    start = end - np.timedelta64(CONFIG.data.history_days, "D").item()
    dates, found = _timed(lambda: find_dates(connection, 7, start_date=start, end_date=end))[::-1]
    arguments = {"max_sales": found.sales, "negatives_per_sale": 8, "seed": CONFIG.seed}
    drawn = _timed(lambda: downsample(connection, 7, window=found, **arguments))[1]
    ids = sa.select(sa.func.sum(SAMPLED_VISITS.c.visit_id * SAMPLED_VISITS.c.visit_id % 1_000_003))
    marker = int(connection.execute(ids).scalar_one())
    tables = aggregate_tables.find(connection, CONFIG.data.aggregate_prefix)
    rows, reading = _timed(lambda: into_parquet(connection, tables, folder=folder, data=CONFIG.data))
    random = _timed(lambda: _order_by_rand(connection, found.sales))[1]
    parts = {"dates": dates, "sample": drawn, f"reading {rows:,} rows": reading, "sample by ORDER BY RAND()": random}
    return _Round(seconds=parts, total=dates + drawn + reading, drawn=marker)


def _load(connection: sa.Connection, size: int, *, scratch: Path) -> None:
    """The generated visits by LOAD DATA, which is a hundred times as fast as inserts."""
    sample.create(connection)
    path = scratch / "rows.tsv"
    first = {"products": sample.products()}
    for tables in (first, *(chunk.tables for chunk in sample.chunks(size=size, seed=1))):
        for name, columns in tables.items():
            pd.DataFrame(columns).to_csv(path, sep="\t", index=False, header=False, na_rep="\\N")
            connection.exec_driver_sql(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {name} ({', '.join(columns)})")
    connection.exec_driver_sql("ANALYZE TABLE " + ", ".join(name for name in METADATA.tables))
    connection.commit()


def _order_by_rand(connection: sa.Connection, sales: int) -> None:
    """The original's way to sample, for comparison."""
    connection.exec_driver_sql("CREATE OR REPLACE TEMPORARY TABLE by_rand (visit_id BIGINT PRIMARY KEY)")
    for sale, limit in ((1, sales), (0, 8 * sales)):
        connection.exec_driver_sql(
            f"INSERT INTO by_rand SELECT visit_id FROM visits WHERE product_id = 7 AND is_sale = {sale} "
            f"ORDER BY RAND() LIMIT {limit}"
        )


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def _quietly(work: Callable[[], object]) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        work()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
