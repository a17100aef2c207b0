"""Measures bulk scoring: rows per second, and that peak memory does not grow with ten times the rows; on a laptop.

    python -m benchmarks.score                          # every recipe
    python -m benchmarks.score --recipe propensity --rows 100000

The real score job runs as a process of its own over the rows of a generated sample and over ten copies of them, as
users of their own where users are scored. Rows per second come from the difference of both runs, so that the start
counts for nothing; memory is the peak of the process. Models are trained briefly first: their values do not matter.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.served_models import SIZES, train
from tests.recipes.bulk import ingest
from trainyard.contract.config import RecipeConfig, to_mapping
from trainyard.run import recipe
from trainyard.run.run import Run

ROOT = Path(__file__).resolve().parents[1]
COPIES = 10
MEGABYTE = 2**20
# Buffers of a bounded size fill up, such as the 32 MB in which two_tower sorts; what grows with the rows would be ten
# times as much.
BAR_GROWTH = 1.25
# A process is charged with the memory of the one that forked it, so a small one has to.
LAUNCHER = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
# The column that has to differ between copies, for one row of the result comes from all its rows.
GROUPED = {"two_tower": "userId"}
# The table that is copied: the one that is scored.
SCORED: Mapping[str, str] = {
    "headline_classifier": "headlines",
    "neural_topic_model": "reviews",
    "prod2vec": "products",
    "propensity": "every_visit",
    "two_tower": "ratings",
}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """One run of the job: rows written, wall seconds, peak resident memory in MB."""

    rows: int
    seconds: float
    memory: float


def main() -> int:
    """Print one line per recipe; the exit code is 1 when memory grew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", action="append", choices=recipe.names(), help="only this one; may be repeated")
    parser.add_argument("--rows", type=int, help="lines of the generated sample; default depends on the recipe")
    parser.add_argument("--folder", type=Path, help="keeps models here, and uses those that it finds")
    arguments = parser.parse_args()
    print(f"{'recipe':<20} {'rows':>10} {'x10':>10} {'rows/s':>9} {'MB':>6} {'x10 MB':>7} {'growth':>7}")
    met = True
    with tempfile.TemporaryDirectory() as scratch:
        for name in arguments.recipe or recipe.names():
            folder = (arguments.folder or Path(scratch)) / name
            one, ten = _measured(name, folder, job=Path(scratch) / f"job-{name}", rows=arguments.rows)
            growth = ten.memory / one.memory
            speed = (ten.rows - one.rows) / (ten.seconds - one.seconds)
            met &= growth <= BAR_GROWTH
            print(
                f"{name:<20} {one.rows:>10,} {ten.rows:>10,} {speed:>9,.0f} {one.memory:>6,.0f} {ten.memory:>7,.0f} "
                f"{growth:>7.2f}",
                flush=True,
            )
    print(f"bar: ten times the rows take at most {BAR_GROWTH} times the memory: {'met' if met else 'missed'}")
    return 0 if met else 1


def _measured(name: str, models: Path, *, job: Path, rows: int | None) -> tuple[Cost, Cost]:
    size, hyperparameters = SIZES[name]
    with contextlib.redirect_stdout(sys.stderr):
        model = train(name, models, size=size, hyperparameters=hyperparameters)
    config = recipe.config(name)
    inputs = job / "processing" / "input"
    for folder in ("resolve", "model", "ingest"):
        (inputs / folder).mkdir(parents=True)
    (inputs / "resolve" / Run.FILE).write_text(_request(name, config).to_json(), encoding="utf-8")
    with tarfile.open(inputs / "model" / "model.tar.gz", "w:gz", compresslevel=1) as archive:
        archive.add(model, arcname=".")
    (job / "raw").mkdir()
    recipe.module(name, "sample").write(job / "raw", size=rows or size, seed=2)
    ingest(name, job / "raw", inputs / "ingest", config)
    # Once through the same writer as the copies: a reader's buffers depend on the row groups of a file.
    _copy(inputs / "ingest" / SCORED[name], GROUPED.get(name, ""), copies=range(1))
    one = _run(job)
    _copy(inputs / "ingest" / SCORED[name], GROUPED.get(name, ""), copies=range(1, COPIES))
    return one, _run(job)


def _request(name: str, config: RecipeConfig) -> Run:
    return Run(
        recipe=name,
        run_id="20260101-000000-00000000",
        dataset="sample",
        execution_arn="",
        raw_bucket="",
        artifacts_bucket="",
        fingerprint="",
        code_version="",
        files=(),
        config=to_mapping(config),
        task="score",
    )


def _copy(table: Path, grouped: str, *, copies: range) -> None:
    first = table / "part-00000.parquet"
    for copy in copies:
        other = f"REPLACE ({grouped} + {copy}::BIGINT * 1000000000 AS {grouped})" if grouped else ""
        target = table / "new.tmp"
        duckdb.execute(f"COPY (SELECT * {other} FROM '{first}') TO '{target}' (FORMAT parquet)")
        target.rename(table / f"part-{copy:05d}.parquet")


def _run(job: Path) -> Cost:
    """The score job over what lies in its input folders."""
    environment = {**os.environ, "TRAINYARD_ML_ROOT": str(job), "PYTHONPATH": str(ROOT)}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", LAUNCHER, sys.executable, "-m", "training_container.main", "score"],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"The score job ended with {done.returncode}; see above.")
    summary = json.loads((job / "processing" / "output" / "summary" / "summary.json").read_text(encoding="utf-8"))
    return Cost(
        rows=summary["rows"],
        seconds=time.perf_counter() - started,
        memory=int(done.stdout.splitlines()[-1]) * 1024 / MEGABYTE,
    )


if __name__ == "__main__":
    sys.exit(main())
