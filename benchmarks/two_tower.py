"""Compares two_tower with simple baselines on real ratings: `python -m benchmarks.two_tower`.

Reads `../shared/data/ml-latest-small` relative to the repository, and says that it skips when that is not there. One
run on each user's last 20 % (as prepare splits them) gives ranking and ratings, one on the last 20 % of all ratings, of
whose users nine in ten are new, ranking; random 80/20 splits, ratings only.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.figures import DATA, Figure, Measured, Rival, Skipped, conclude, over_seeds, required
from recipes.two_tower.baselines import EASE_L2, RANKING_BASELINES, bias_baseline, recommend
from recipes.two_tower.catalogue import Movies
from recipes.two_tower.config import CONFIG, Config, sources
from recipes.two_tower.evaluate import Holdout, evaluate, expected_ratings, known_ratings
from recipes.two_tower.inference import TOP_K, Recommender
from recipes.two_tower.metrics import ndcg_and_recall
from recipes.two_tower.prepare import prepare
from recipes.two_tower.process import process
from recipes.two_tower.ranking.ease import EaseFactors, ease_factors
from recipes.two_tower.ranking.interest import Interest
from recipes.two_tower.ratings import Ratings
from tests.recipes.tables import read_sources
from trainyard.stages.evaluate.bootstrap import interval, paired_difference

RECIPE = "two_tower"
MOVIELENS = DATA / "ml-latest-small"
SEEDS = 5
EASE = "EASE"
RECENT_EASE = "EASE, ratings as weights, the last ones first"
# As the yardstick has them: not chosen on these data.
RECENT = Interest(power=2.0, steps=10.0, floor=0.2)
CHANNELS = ("train", "validation", "features")
# 30 s on each of two cores.
LONGEST_FIT_S = 60.0


def main() -> int:
    """Print the table; the exit code is 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many random splits")
    try:
        return conclude(figures(seeds=parser.parse_args().seeds))
    except Skipped as reason:
        print(f"{RECIPE}: skipped, {reason}")
        return 0


def figures(*, quick: bool = False, seeds: int = SEEDS) -> list[Figure]:
    """What the benchmark measures; raises Skipped without the data."""
    folder = required(MOVIELENS)
    tables = read_sources(ibis.duckdb.connect(), folder, sources(CONFIG))
    prepared = {name: table.to_pyarrow() for name, table in prepare(tables, CONFIG).items()}
    found, seconds = _latest(prepared)
    if not quick:
        found.append(_by_date(prepared))
    splits = [_random(prepared, seed) for seed in range(1 if quick else seeds)]
    found.append(_random_error(splits))
    found.append(
        Figure(recipe=RECIPE, metric="fit, CPU s", measured=Measured(seconds), bar=LONGEST_FIT_S, lower_is_better=True)
    )
    return found


def _latest(prepared: dict[str, pa.Table]) -> tuple[list[Figure], float]:
    """Each user's latest 20 % held out."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds = _fit(prepared, folder, config=CONFIG)
        holdout = folder / "process" / "holdout"
        ranked = evaluate(folder / "model", holdout, config=CONFIG)
        error = _error("RMSE, last 20 % of each user", _squared(folder), bar=0.837)
        return [*_ranking(ranked.examples, _baseline_rows(folder)), *_without_bar(ranked.metrics), error], seconds


def _baseline_rows(folder: Path) -> dict[str, np.ndarray]:
    """NDCG per user of the baselines, which learn from all that is not held out, as the model does."""
    data, movies = Holdout.load(folder / "process" / "holdout"), len(Movies.load(folder / "process" / "features"))
    channels, index = {role: folder / "process" / role for role in ("train", "validation")}, np.arange(movies)
    known = known_ratings(channels, index, scale=data.scale, seed=CONFIG.seed)
    given = data.histories.encoded(index, data.scale).of_users(data.relevant.users)
    recommended = {name: recommend(fit(known, movies), given, movies=movies) for name, fit in RANKING_BASELINES.items()}
    recent = replace(RECENT, unit=Interest.usual(known.values).unit)
    factors = ease_factors(known, recent.of_values(known.values), movies=movies, l2=EASE_L2, seed=0)
    weighted = replace(given, values=recent.of_ratings(given))
    recommended[RECENT_EASE] = recommend(lambda users: _scores(factors, users), weighted, movies=movies)
    return {name: ndcg_and_recall(found, data.relevant, count=TOP_K)[:, 0] for name, found in recommended.items()}


def _scores(factors: EaseFactors, users: Ratings) -> np.ndarray:
    """EASE's scores of all movies for users whose values are weights."""
    return np.asarray(users.reduce_by_user(factors.encoder[users.movies] * users.values[:, None]) @ factors.decoder.T)


def _ranking(own: np.ndarray, baselines: dict[str, np.ndarray]) -> list[Figure]:
    """NDCG@10 beside all baselines; that it is above EASE by more than noise is a figure of its own."""
    first = _ndcg("NDCG@10, last 20 % of each user", own, baselines=baselines, bar=0.130, stretch=0.139)
    gap = paired_difference(own, baselines[EASE])
    measured = Measured(gap.low)
    lead = Figure(recipe=RECIPE, metric="lead over EASE, lower end of the interval", measured=measured, bar=0.0)
    return [first, lead]


def _ndcg(
    metric: str,
    own: np.ndarray,
    *,
    baselines: Mapping[str, np.ndarray],
    bar: float | None = None,
    stretch: float | None = None,
) -> Figure:
    low, high = interval(own)
    rivals = tuple(
        Rival(name=name, value=float(rows.mean()), difference=paired_difference(own, rows))
        for name, rows in baselines.items()
    )
    measured = Measured(float(own.mean()), low, high, "95 % of users")
    return Figure(recipe=RECIPE, metric=metric, measured=measured, rivals=rivals, bar=bar, stretch=stretch)


def _by_date(prepared: dict[str, pa.Table]) -> Figure:
    """NDCG of what comes after a date, of models that know what came before, whoever rated."""
    order = np.argsort(prepared["ratings"]["timestamp"].to_numpy(), kind="stable")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _fit(_split(prepared, order), folder, config=CONFIG)
        own = evaluate(folder / "model", folder / "process" / "holdout", config=CONFIG)
        return _ndcg("NDCG@10, last 20 % of all ratings", own.examples, baselines=_baseline_rows(folder))


def _without_bar(metrics: Mapping[str, float]) -> list[Figure]:
    return [
        Figure(recipe=RECIPE, metric=name.replace("_at_", "@").replace("_", " "), measured=Measured(metrics[name]))
        for name in ("recall_at_10", "coverage_at_10")
    ]


def _random(prepared: dict[str, pa.Table], seed: int) -> np.ndarray:
    """Negative squared errors of a random fifth of all ratings."""
    ratings = prepared["ratings"]
    order = np.random.default_rng(seed).permutation(ratings.num_rows)
    with tempfile.TemporaryDirectory() as name:
        _fit(_split(prepared, order), Path(name), config=replace(CONFIG, seed=seed))
        return _squared(Path(name))


def _split(prepared: dict[str, pa.Table], order: np.ndarray) -> dict[str, pa.Table]:
    """The tables with the first 72 % of the ratings for training, the next 8 % for validation, the rest held out."""
    ratings = prepared["ratings"]
    role = np.full(ratings.num_rows, "train", dtype=object)
    role[order[int(0.72 * len(order)) :]] = "validation"
    role[order[int(0.8 * len(order)) :]] = "holdout"
    split = ratings.set_column(ratings.column_names.index("role"), "role", pa.array(role, pa.string()))
    return {**prepared, "ratings": split}


def _fit(prepared: dict[str, pa.Table], folder: Path, *, config: Config) -> float:
    """Process and train into `folder`; returns the CPU seconds of training."""
    from recipes.two_tower.train import train

    for name, table in prepared.items():
        (folder / "prepare" / name).mkdir(parents=True)
        pq.write_table(table, folder / "prepare" / name / "part.parquet")
    process(folder / "prepare", folder / "process", config=config)
    for name in ("model", "checkpoints"):
        (folder / name).mkdir()
    started = time.process_time()
    quiet(
        lambda: train(
            {each: folder / "process" / each for each in CHANNELS},
            folder / "model",
            checkpoints=folder / "checkpoints",
            config=config,
        )
    )
    return time.process_time() - started


def quiet(work: Callable[[], object]) -> None:
    """Run without the lines that a job prints for those who watch it."""
    with contextlib.redirect_stdout(io.StringIO()):
        work()


def _squared(folder: Path) -> np.ndarray:
    """Negative squared errors of the model and of plain averages [n, 2]."""
    data, movies = Holdout.load(folder / "process" / "holdout"), Movies.load(folder / "process" / "features")
    index = np.arange(len(movies))
    known = data.histories.encoded(index, data.scale)
    expected = expected_ratings(Recommender.load(folder / "model"), data, index=index)
    averages = data.scale.natural(bias_baseline(known, movies, histories=known, asked=data.held_out))
    return np.stack([-((each - data.held_out.values) ** 2) for each in (expected, averages)], axis=1)


def _root(rows: np.ndarray) -> float:
    return float(np.sqrt(-rows.mean()))


def _error(metric: str, rows: np.ndarray, *, bar: float) -> Figure:
    own, averages = rows.T
    low, high = interval(own, statistic=_root, resamples=300)
    return Figure(
        recipe=RECIPE,
        metric=metric,
        measured=Measured(_root(own), low, high, "95 % of ratings"),
        rivals=(_averages(own, averages),),
        bar=bar,
        lower_is_better=True,
    )


def _random_error(splits: Sequence[np.ndarray]) -> Figure:
    own, averages = np.concatenate(splits).T
    return Figure(
        recipe=RECIPE,
        metric="RMSE, random 80/20",
        measured=over_seeds([_root(each[:, 0]) for each in splits]),
        rivals=(_averages(own, averages),),
        bar=0.806,
        lower_is_better=True,
    )


def _averages(own: np.ndarray, averages: np.ndarray) -> Rival:
    gap = paired_difference(own, averages, statistic=_root, resamples=300)
    return Rival(name="averages", value=_root(averages), difference=gap)


if __name__ == "__main__":
    sys.exit(main())
