"""Measures propensity against its bars: real visits, the grid, and a million visits in a database; on a laptop.

    python -m benchmarks.propensity                      # real visits: ../shared/data/online-shoppers, five seeds
    python -m benchmarks.propensity --few                # 300 sales, and one sale in a hundred visits
    python -m benchmarks.propensity --generated 200000   # generated visits: beside the baselines, time and memory
    python -m benchmarks.propensity --generated 2000000 --truth bent
    python -m benchmarks.propensity --grid               # 32 combinations x 15 epochs on 72,000 rows
    python -m benchmarks.propensity --database 1000000   # dates, sample and reading on MariaDB (needs mariadb-server)

Real visits are split 80/20, stratified by outcome; scaling, all members and the baselines see the 80 % only. Without
the column PageValues, which Google Analytics computes from the sales themselves, is the honest case.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import resource
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
from recipes.propensity.calibration import sigmoid
from recipes.propensity.columns.names import says_code
from recipes.propensity.config import CONFIG, Config
from recipes.propensity.database import aggregate_tables
from recipes.propensity.database.downsampling import SAMPLED_VISITS, downsample
from recipes.propensity.database.read_visits import into_parquet
from recipes.propensity.database.sales_window import find_dates
from recipes.propensity.database.schema import METADATA
from recipes.propensity.evaluate import MAX_BASELINE_VISITS, gradient_boosting
from recipes.propensity.features import Encoder
from recipes.propensity.inference import linear_logits
from recipes.propensity.members.logistic_regression import logistic_regression
from recipes.propensity.metrics import classification_metrics
from recipes.propensity.population import Population
from recipes.propensity.training_data import INPUTS_FILE, LABELS_FILE, TrainingData
from trainyard.run.settings.overrides import override
from trainyard.stages.ingest import database

RECIPE = "propensity"
SHOPPERS = DATA / "online-shoppers" / "online_shoppers_intention.csv"
SEEDS = range(5)
# Metric, bar, stretch; a loss is better the lower it is.
BARS = {
    "all columns": {"auc": (0.9330, 0.9335), "pr_auc": (0.7500, 0.7505), "log_loss": (0.2242, 0.2237)},
    "without PageValues": {"auc": (0.7836, 0.7841), "pr_auc": (0.3733, 0.3738), "log_loss": (0.3585, 0.3580)},
}
FEW_SALES, RARE, RARE_OTHERS = 300, 0.01, 8000
FEWEST_JUDGED = 20_000
TRUTHS = ("straight", "bent")
ROUNDS = 5
GRID_ROWS, GRID_INPUTS, GRID_SECONDS, DATABASE_SECONDS = 72_000, 60, 45.0, 1.5


def main(arguments: Sequence[str]) -> int:
    """Print what was asked for; the exit code is 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", action="store_true", help="real visits with few sales")
    parser.add_argument(
        "--generated", type=int, metavar="ROWS", help="generated visits, of a truth with and without bends"
    )
    parser.add_argument("--truth", action="append", choices=TRUTHS, help="of generated visits: only this one")
    parser.add_argument("--grid", action="store_true", help="time the search")
    parser.add_argument("--database", type=int, metavar="VISITS", help="time a database of this many visits")
    options = parser.parse_args(arguments)
    try:
        if options.grid:
            return conclude(_grid())
        if options.few:
            return conclude(_few())
        if options.generated:
            return conclude(_generated(options.generated, truths=options.truth or TRUTHS))
        return conclude(_database(options.database) if options.database else figures())
    except Skipped as reason:
        print(f"{RECIPE}: skipped, {reason}")
        return 0


def figures(*, quick: bool = False) -> list[Figure]:
    """What the benchmark measures on real visits; raises Skipped without the data."""
    visits, found = _shoppers(), []
    for case in BARS:
        used = visits.drop(columns="PageValues") if case == "without PageValues" else visits
        found += _case(case, [_seed(used, seed) for seed in SEEDS[: 1 if quick else len(SEEDS)]])
    return found


def _shoppers() -> pd.DataFrame:
    """The real visits, with `is_sale`; codes and names are texts."""
    visits = pd.read_csv(required(SHOPPERS))
    visits["is_sale"] = visits.pop("Revenue").astype(int)
    categories = [str(name) for name in visits if says_code(str(name)) or visits[str(name)].dtype.kind not in "if"]
    visits[categories] = visits[categories].astype(str)
    return visits


def _few() -> list[Figure]:
    """The model beside the baselines where sales are few, or rare."""
    visits, found = _shoppers(), []
    sales, others = visits[visits["is_sale"] == 1], visits[visits["is_sale"] == 0]
    shares = {f"{FEW_SALES} sales": (FEW_SALES, round(FEW_SALES * len(others) / len(sales)))}
    shares[f"{RARE:.0%} sales"] = (round(RARE_OTHERS * RARE / (1 - RARE)), RARE_OTHERS)
    for case, (some, rest) in shares.items():
        seeds = []
        for seed in SEEDS:
            # The sales and others to learn from; all other visits judge.
            learned = pd.concat([sales.sample(some, random_state=seed), others.sample(rest, random_state=seed)])
            held_out = visits.drop(index=learned.index)
            seeds.append(_judged(learned.sample(frac=1, random_state=seed), held_out, seed=seed))
        found.append(_beside("auc", f"{case}, the other visits judge", seeds=seeds))
    return found


def _generated(rows: int, *, truths: Sequence[str]) -> list[Figure]:
    """The model beside the baselines on generated visits, and what its fit costs in time and memory.

    It learns from `rows`; a fifth as many others judge, `FEWEST_JUDGED` at least.
    """
    found = []
    for truth in truths:
        visits = _generated_visits(rows + max(rows // 5, FEWEST_JUDGED), truth=truth, seed=rows)
        seed = _judged(visits[:rows], visits[rows:], seed=1)
        case = f"{rows:,} generated visits, {truth}"
        found += [_beside(metric, case, seeds=[seed]) for metric in ("auc", "pr_auc", "log_loss")]
        spent = Measured(seed["cost"]["seconds"])
        beside = (Rival(name="peak memory so far, MB", value=seed["cost"]["megabytes"]),)
        found.append(Figure(recipe=RECIPE, metric=f"fit and score, CPU s, {case}", measured=spent, rivals=beside))
    return found


def _generated_visits(rows: int, *, truth: str, seed: int) -> pd.DataFrame:
    """Twelve quantities and a category, whose log odds add up; where they are bent, with a bend and a product."""
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(rows, 12))
    visits = pd.DataFrame(numbers, columns=[f"quantity {place}" for place in range(12)])
    visits["channel"] = random.choice([f"channel {place}" for place in range(20)], rows)
    odds = numbers[:, :6] @ np.linspace(1, 0.2, 6) + 0.3 * visits["channel"].str[8:].astype(int) / 10 - 3.5
    if truth == "bent":
        odds += np.abs(numbers[:, 6]) + numbers[:, 7] * numbers[:, 8]
    visits["is_sale"] = (random.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)
    return visits


def _beside(metric: str, case: str, *, seeds: Sequence[Mapping[str, Mapping[str, float]]]) -> Figure:
    rivals = tuple(
        Rival(name=name, value=float(np.mean([each[name][metric] for each in seeds])))
        for name in ("HistGradientBoosting", "logistic regression")
    )
    return Figure(
        recipe=RECIPE,
        metric=f"{metric}, {case}",
        measured=over_seeds([each["model"][metric] for each in seeds]),
        rivals=rivals,
        lower_is_better=metric == "log_loss",
    )


def _judged(learned: pd.DataFrame, held_out: pd.DataFrame, *, seed: int) -> dict[str, Mapping[str, float]]:
    """Metrics of the model and of both baselines on one split, and what the model's fit cost."""
    labels = held_out["is_sale"].to_numpy(float)
    population = _itself(int(learned["is_sale"].sum()), len(learned))
    config = override(CONFIG, {"seed": seed, "hyperparameters": {"search": "none"}})
    started = time.process_time()
    own = _probabilities(learned, held_out, population=population, config=config)
    cost = {"seconds": time.process_time() - started}
    cost["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    encoder = Encoder.fit(learned, max_categories=config.data.max_categories)
    inputs, target = encoder.transform(learned), learned["is_sale"].to_numpy(np.float32)
    data = TrainingData(inputs=inputs, labels=target, folds=np.zeros(len(learned), np.int64))
    line = logistic_regression(data, np.ones(len(learned), np.bool_))
    scored = {
        "model": own,
        "HistGradientBoosting": gradient_boosting(learned[:MAX_BASELINE_VISITS], held_out, seed=seed),
        "logistic regression": sigmoid(linear_logits(line, encoder.transform(held_out))),
    }
    found: dict[str, Mapping[str, float]] = {"cost": cost}
    for name, each in scored.items():
        found[name] = classification_metrics(each, labels, population=population, threshold=0.5)
    return found


def _case(case: str, seeds: Sequence[Mapping[str, Mapping[str, float]]]) -> list[Figure]:
    """The model beside gradient boosting on one set of columns, the mean of its probabilities, and what a fit costs."""
    found = []
    for metric, (bar, stretch) in BARS[case].items():
        own, other = ([each[model][metric] for each in seeds] for model in ("model", "boosting"))
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
    ratios = over_seeds([each["model"]["mean_to_rate"] for each in seeds])
    off = Measured(abs(ratios.value - 1))
    beside = (Rival(name="mean probability / true rate", value=ratios.value),)
    metric = f"mean probability off the true rate, {case}"
    found.append(Figure(recipe=RECIPE, metric=metric, measured=off, rivals=beside, bar=0.05, lower_is_better=True))
    spent = over_seeds([each["cpu"]["seconds"] for each in seeds])
    return [*found, Figure(recipe=RECIPE, metric=f"fit and score, CPU s, {case}", measured=spent)]


def _seed(visits: pd.DataFrame, seed: int) -> dict[str, Mapping[str, float]]:
    """Metrics of the recipe's model and of gradient boosting on one split."""
    from sklearn.model_selection import train_test_split

    learned, held_out = train_test_split(visits, test_size=0.2, stratify=visits["is_sale"], random_state=seed)
    labels = held_out["is_sale"].to_numpy(float)
    population = _itself(int(learned["is_sale"].sum()), len(learned))
    config = override(CONFIG, {"seed": seed, "hyperparameters": {"search": "none"}})
    started = time.process_time()
    model = _probabilities(learned, held_out, population=population, config=config)
    seconds = time.process_time() - started
    boosted = gradient_boosting(learned, held_out, seed=seed)
    return {
        "model": classification_metrics(model, labels, population=population, threshold=0.5),
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
    from recipes.propensity.networks import grid_search

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
