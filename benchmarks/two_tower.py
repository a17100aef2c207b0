"""Compares two_tower with simple baselines on real ratings: `python -m benchmarks.two_tower`.

Reads `../shared/data/ml-latest-small` relative to the repository, and says that it skips when that is not there. One
run on each user's last 20 % (as prepare parts them) gives ranking and ratings; with random 80/20 splits, ratings only.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recipes.two_tower.catalogue import Movies
from recipes.two_tower.config import CONFIG, Config
from recipes.two_tower.evaluate import BASELINES, average_ratings, expected_ratings, reference_rows
from recipes.two_tower.evaluate import score as score_model
from recipes.two_tower.measures import with_relevant
from recipes.two_tower.prepare import prepare
from recipes.two_tower.process import HISTORIES_FILE, RATINGS_FILE, process
from recipes.two_tower.ratings import Ratings
from recipes.two_tower.recommender import Recommender
from trainyard.bootstrap import interval, paired_difference

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "ml-latest-small"
CHANNELS = ("train", "validation", "features")
# 30 s on each of two cores.
LONGEST_FIT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of the table: a value with its interval, what it stands beside, and the bar."""

    name: str
    value: float
    low: float
    high: float
    beside: str
    bar: float
    lower_is_better: bool = False

    @property
    def passed(self) -> bool:
        return self.value <= self.bar if self.lower_is_better else self.value >= self.bar


def main() -> int:
    """Print the table; the exit code is 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="how many random splits")
    arguments = parser.parse_args()
    if not DATA.exists():
        print("two_tower: skipped, ../shared/data/ml-latest-small is not there.")
        return 0
    connection = ibis.duckdb.connect()
    tables = {name: connection.read_csv(DATA / f"{name}.csv", table_name=name) for name in ("ratings", "movies")}
    prepared = {name: table.to_pyarrow() for name, table in prepare(tables, CONFIG).items()}
    lines, seconds = _latest(prepared)
    errors = [_random(prepared, seed) for seed in range(arguments.seeds)]
    if errors:
        lines.append(_error_line(f"RMSE, random 80/20, {len(errors)} seeds", np.concatenate(errors), 0.826, 0.818))
        print("RMSE by seed: " + ", ".join(f"{_root(each[:, 0]):.4f}" for each in errors), file=sys.stderr)
    lines.append(
        Line(
            name="fit, CPU s",
            value=seconds,
            low=seconds,
            high=seconds,
            beside="",
            bar=LONGEST_FIT_S,
            lower_is_better=True,
        )
    )
    _print(lines)
    return 0 if all(line.passed for line in lines) else 1


def _latest(prepared: dict[str, pa.Table]) -> tuple[list[Line], float]:
    """Each user's latest 20 % held out."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds = _fit(prepared, folder, CONFIG)
        holdout = folder / "process" / "holdout"
        ranked = score_model(folder / "model", holdout, CONFIG)
        print("  ".join(f"{key} {value:.4f}" for key, value in ranked.metrics.items()), file=sys.stderr)
        lines = _ranking_lines(ranked.examples, _baseline_rows(folder))
        lines.append(_error_line("RMSE, last 20 % of each user", _squared(folder), 0.852, 0.846))
        return lines, seconds


def _baseline_rows(folder: Path) -> dict[str, np.ndarray]:
    """NDCG per user of the baselines."""
    process_dir = folder / "process"
    movies = Movies.load(process_dir / "features")
    known, held_out = (Ratings.load(process_dir / "holdout" / name) for name in (HISTORIES_FILE, RATINGS_FILE))
    known = known.encoded(movies.encode(known.movies))
    relevant = with_relevant(held_out, CONFIG.data.relevant_rating)
    given = known.of_users(relevant.users)
    return {
        name: reference_rows(make(known, len(movies)), given, relevant, movies)[0][:, 0]
        for name, make in BASELINES.items()
    }


def _ranking_lines(own: np.ndarray, baselines: dict[str, np.ndarray]) -> list[Line]:
    bars = {"popularity": 0.085, "item-kNN": 0.092, "EASE": 0.104}
    low, high = interval(own)
    lines = []
    for name, rows in baselines.items():
        gap = paired_difference(own, rows)
        beside = f"{name} {rows.mean():.4f}, difference {gap.value:+.4f} ({gap.low:+.4f} to {gap.high:+.4f})"
        lines.append(Line(name="NDCG@10", value=float(own.mean()), low=low, high=high, beside=beside, bar=bars[name]))
    return lines


def _random(prepared: dict[str, pa.Table], seed: int) -> np.ndarray:
    """Negative squared errors of a random fifth of all ratings."""
    ratings = prepared["ratings"]
    order = np.random.default_rng(seed).permutation(ratings.num_rows)
    role = np.full(ratings.num_rows, "train", dtype=object)
    role[order[: int(0.72 * len(order))]] = "train"
    role[order[int(0.72 * len(order)) : int(0.8 * len(order))]] = "validation"
    role[order[int(0.8 * len(order)) :]] = "holdout"
    parted = ratings.set_column(ratings.column_names.index("role"), "role", pa.array(role, pa.string()))
    with tempfile.TemporaryDirectory() as name:
        _fit({**prepared, "ratings": parted}, Path(name), replace(CONFIG, seed=seed))
        return _squared(Path(name))


def _fit(prepared: dict[str, pa.Table], folder: Path, config: Config) -> float:
    """Process and train into `folder`; returns the CPU seconds of training."""
    from recipes.two_tower.train import train

    for name, table in prepared.items():
        (folder / "prepare" / name).mkdir(parents=True)
        pq.write_table(table, folder / "prepare" / name / "part.parquet")
    process(folder / "prepare", folder / "process", config)
    for name in ("model", "checkpoints"):
        (folder / name).mkdir()
    started = time.process_time()
    quiet(
        lambda: train(
            {each: folder / "process" / each for each in CHANNELS}, folder / "model", folder / "checkpoints", config
        )
    )
    return time.process_time() - started


def quiet(work: Callable[[], object]) -> None:
    """Run without the lines that a job prints for those who watch it."""
    with contextlib.redirect_stdout(io.StringIO()):
        work()


def _squared(folder: Path) -> np.ndarray:
    """Negative squared errors of the model and of plain averages [n, 2]."""
    holdout = folder / "process" / "holdout"
    held_out, histories = (Ratings.load(holdout / name) for name in (RATINGS_FILE, HISTORIES_FILE))
    movies = Movies.load(folder / "process" / "features")
    known = histories.encoded(movies.encode(histories.movies))
    expected = expected_ratings(Recommender.load(folder / "model"), histories, held_out)
    averages = average_ratings(known, movies, histories, held_out)
    return np.stack([-((each - held_out.values) ** 2) for each in (expected, averages)], axis=1)


def _root(rows: np.ndarray) -> float:
    return float(np.sqrt(-rows.mean()))


def _error_line(name: str, rows: np.ndarray, bar: float, stretch: float) -> Line:
    own, averages = rows.T
    low, high = interval(own, statistic=_root, resamples=300)
    gap = paired_difference(own, averages, statistic=_root, resamples=300)
    beside = f"averages {_root(averages):.4f}, difference {gap.value:+.4f} ({gap.low:+.4f} to {gap.high:+.4f})"
    beside += f", stretch {stretch}"
    return Line(name=name, value=_root(own), low=low, high=high, beside=beside, bar=bar, lower_is_better=True)


def _print(lines: list[Line]) -> None:
    print(f"{'':36} {'value':>7} {'interval':>18} {'bar':>7}")
    for line in lines:
        verdict = "passed" if line.passed else "MISSED"
        value = f"{line.name:36} {line.value:7.4f} {line.low:8.4f} to {line.high:6.4f}"
        print(f"{value} {line.bar:7.3f} {verdict} {line.beside}")


if __name__ == "__main__":
    sys.exit(main())
