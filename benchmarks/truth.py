"""Measures how often labels raise an alarm, without a loss and with one; and what a million of them cost; on a laptop.

    python -m benchmarks.truth                 # 300 drawn models with six weeks of labels each, and planted losses
    python -m benchmarks.truth --rows 1000000  # so many labels and as many scores

In each draw a holdout promises a metric, and weeks of labels follow from the same law: what is said of them is chance.
Both tests of an upload count, the newest week and all together. Bars: at most 1 % of the draws alarm without a loss,
and at least 95 % of those with one in the last week do. With `--rows`, the stage itself joins labels with scores.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from unittest import mock

import numpy as np
import pyarrow as pa

from benchmarks.figures import columns
from trainyard.contract.evaluation import Judged
from trainyard.run import recipe
from trainyard.run.documents import Metric
from trainyard.run.watch.observed import CONFIDENCE, ModelQuality, Period, verdict, widened
from trainyard.stages.evaluate.bootstrap import interval
from trainyard.stages.verify.judge import RESAMPLES

WEEKS, HOLDOUT, MOST_ALARMS, LEAST_FOUND = 6, 2_000, 0.01, 0.95
# Draws without a loss for each one with it: that there are few of the former has to be shown.
DRAWS_PER_LOSS = 3
GATE_CONFIDENCE, GATE_RESAMPLES = 0.95, 1_000


class Draw(Protocol):
    """Labels with what a model of some skill predicted."""

    def __call__(self, random: np.random.Generator, rows: int, *, skill: float) -> pa.Table: ...


@dataclass(frozen=True, kw_only=True)
class Case:
    """Labels of a recipe, so many a week; `loss` is the skill that is left when one is planted (1: all of it)."""

    title: str
    recipe: str
    week: int
    draw: Draw
    loss: float


def visits(random: np.random.Generator, rows: int, *, skill: float) -> pa.Table:
    """Propensities and sales, one in seven; with less skill, probabilities say less of what happens."""
    known = random.normal(size=rows)
    happened = random.random(rows) < 1 / (1 + np.exp(-(1.2 * skill * known - 2.2)))
    return pa.table({"label": happened, "propensity": 1 / (1 + np.exp(-(1.2 * known - 2.2)))})


def headlines(random: np.random.Generator, rows: int, *, skill: float) -> pa.Table:
    """Classes of five kinds, the rarest one in thirty; 85 % are right with all the skill."""
    kinds = np.asarray(list("abcde"))
    truth = random.choice(5, rows, p=(0.4, 0.3, 0.17, 0.1, 0.03))
    right = random.random(rows) < 0.85 * skill
    return pa.table({"label": kinds[truth], "category": kinds[np.where(right, truth, random.choice(5, rows))]})


CASES = (
    Case(title="visits, 500 a week", recipe="propensity", week=500, draw=visits, loss=0.0),
    Case(title="visits, 2,000 a week", recipe="propensity", week=2_000, draw=visits, loss=0.5),
    Case(title="headlines, 500 a week", recipe="headline_classifier", week=500, draw=headlines, loss=0.8),
)


def alarms(case: Case, *, draws: int, skill: float) -> float:
    """The share of draws whose last upload alarms, when the last week has this skill."""
    module, config = recipe.module(case.recipe, "truth"), recipe.config(case.recipe)
    found = 0
    for seed in range(draws):
        random = np.random.default_rng(seed)
        held_out: Judged = module.judge(case.draw(random, HOLDOUT, skill=1.0), config=config)
        ends = interval(
            held_out.examples, statistic=held_out.statistic, confidence=GATE_CONFIDENCE, resamples=GATE_RESAMPLES
        )
        promised = widened(_metric(held_out, ends), confidence=GATE_CONFIDENCE)
        weeks = [case.draw(random, case.week, skill=1.0) for _ in range(WEEKS - 1)]
        weeks.append(case.draw(random, case.week, skill=skill))
        newest, whole = (
            _period(module.judge(each, config=config), promised, rows=each.num_rows)
            for each in (weeks[-1], pa.concat_tables(weeks))
        )
        model = ModelQuality(run_id="", primary=held_out.primary, whole=whole, periods=(newest,), promised=promised)
        found += bool(model.worse)
    return found / draws


def _period(judged: Judged | None, promised: Metric, *, rows: int) -> Period:
    if judged is None:
        return Period(start="", rows=rows)
    ends = interval(judged.examples, statistic=judged.statistic, confidence=CONFIDENCE, resamples=RESAMPLES)
    quality = _metric(judged, ends)
    return Period(start="", rows=rows, quality=quality, verdict=verdict(quality, promised))


def _metric(judged: Judged, ends: tuple[float, float]) -> Metric:
    return Metric(value=judged.metrics[judged.primary], low=ends[0], high=ends[1])


def cost(rows: int) -> tuple[float, float]:
    """CPU seconds and peak memory (MB) of setting so many labels beside as many scores."""
    import boto3
    from moto import mock_aws

    from tests.stages import truth_world

    credentials = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, credentials), mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=truth_world.ARTIFACTS)
        world = truth_world.World(s3, Path(folder))
        world.model(truth_world.NEW, promised=Metric(value=0.78, low=0.76, high=0.80))
        good, happened = truth_world.sales(rows, seed=1)
        ids = [f"v{each}" for each in range(rows)]
        world.score(truth_world.SCORED, truth_world.NEW, {"visit_id": ids, "propensity": good})
        world.write_labels(
            ids, happened, np.datetime64(truth_world.SCORED) + (1 + np.arange(rows) % 28) * np.timedelta64(1, "D")
        )
        before = time.process_time()
        world.run()
        return time.process_time() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Print the figures; the exit code is 1 when a bar is missed."""
    arguments = _arguments()
    if arguments.rows:
        seconds, memory = cost(arguments.rows)
        print(f"{arguments.rows:,} labels and as many scores: {seconds:.1f} CPU s, at most {memory:,.0f} MB")
        return 0
    rows, missed = [("labels", "alarms without a loss", "with a planted loss", "")], 0
    for case in CASES:
        still = alarms(case, draws=arguments.draws, skill=1.0)
        lost = alarms(case, draws=max(arguments.draws // DRAWS_PER_LOSS, 1), skill=case.loss)
        met = still <= MOST_ALARMS and lost >= LEAST_FOUND
        missed += not met
        rows.append((case.title, f"{still:.1%}", f"{lost:.1%}", "met" if met else "MISSED"))
        print(rows[-1], file=sys.stderr, flush=True)
    print(columns(rows))
    return int(bool(missed))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=300, help="models that are drawn")
    parser.add_argument("--rows", type=int, default=0, help="labels whose cost is measured instead")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
