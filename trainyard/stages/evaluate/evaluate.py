"""Stage evaluate: the new model, the champion and simple baselines on the same held-out rows; training image."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from trainyard.contract.config import RecipeConfig
from trainyard.contract.evaluation import Evaluation, Reference
from trainyard.contract.training.progress import progress
from trainyard.errors import JobFailed
from trainyard.run import recipe
from trainyard.run.documents import ChampionMetrics, Comparison, Difference, Metric
from trainyard.run.model_archive import ModelCard
from trainyard.run.run import Run
from trainyard.run.watch.profile import AnswerProfile
from trainyard.serving.examples import EXAMPLES_FILE
from trainyard.stages.answers import AnswerProfiler, naming_rows
from trainyard.stages.evaluate import per_example
from trainyard.stages.evaluate.bootstrap import Statistic, interval, paired_difference

STATISTICS_FILE = "statistics.json"


def evaluate(run: Run, examples: Path, *, challenger: Path, champion: Path | None, output: Path) -> Comparison:
    """Compare the unpacked models `challenger` and `champion` on `examples`, the folder of stage process.

    Writes `evaluation.json` for gate and report, `statistics.json` for the model package, the scores of examples for
    comparisons with other runs, a profile of the answers, and the requests that a deployed model is tested with first.
    """
    comparison = _compare(run, examples, challenger=challenger, champion=champion, output=output)
    comparison.write(output)
    statistics = {name: {"value": each.value} for name, each in comparison.metrics.items()}
    (output / STATISTICS_FILE).write_text(json.dumps({run.recipe: statistics}, indent=2), encoding="utf-8")
    if (challenger / EXAMPLES_FILE).is_file():
        # In a small object of their own: the archive is large.
        shutil.copyfile(challenger / EXAMPLES_FILE, output / EXAMPLES_FILE)
    return comparison


def _compare(run: Run, examples: Path, *, challenger: Path, champion: Path | None, output: Path) -> Comparison:
    config = recipe.config(run.recipe, run.config)
    module = recipe.module(run.recipe, "evaluate")
    holdout = examples / "holdout"
    progress(0.0, "evaluating the new model")
    found: Evaluation = module.evaluate(challenger, holdout, config=config)
    primary = config.gate.primary
    metrics = _metrics(found, config)
    _keep_answers(run, found, output=output)
    per_example.write(output, found, of=per_example.statistic(run.recipe, primary), metric=primary)
    compared = None
    if champion is not None:
        progress(0.3, "evaluating the champion")
        own = module.evaluate(champion, holdout, config=config)
        compared = _champion(ModelCard.read(champion).run_id, own, challenger=found, config=config)
    progress(0.6, "evaluating the baselines")
    channels = {name: examples / name for name in ("train", "validation", "features")}
    references: dict[str, Reference] = module.references(channels, holdout, config=config)
    progress(0.95, "comparing with the baselines")
    progress(1.0, "done")
    return Comparison(
        recipe=run.recipe,
        run_id=run.run_id,
        primary=primary,
        rows=len(found.examples),
        holdout=per_example.fingerprint(holdout),
        hyperparameters=ModelCard.read(challenger).hyperparameters,
        metrics=metrics,
        references={name: each.metrics for name, each in references.items()},
        differences=_differences(found, references, config=config),
        not_applicable=found.not_applicable,
        champion=compared,
    )


def _keep_answers(run: Run, found: Evaluation, *, output: Path) -> None:
    """A profile of what the model says of rows that it has not learned from: of those others, it is too sure."""
    if not found.answers:
        return
    profiler = AnswerProfiler(
        rows=len(next(iter(found.answers.values()))),
        shares=recipe.shares(run.recipe),
        left_out=naming_rows(recipe.score_columns(run.recipe)),
    )
    profiler.add(pa.table(dict(found.answers)))
    AnswerProfile(answers=profiler.profile()).write(output)


def _metrics(found: Evaluation, config: RecipeConfig) -> dict[str, Metric]:
    """Every metric, the primary one with its interval."""
    primary = config.gate.primary
    if primary not in found.metrics:
        raise JobFailed(f"Expected {primary} among the metrics, found {', '.join(found.metrics) or 'none'}.")
    low, high = interval(
        found.examples,
        statistic=found.statistic,
        confidence=config.gate.confidence,
        resamples=config.gate.resamples,
        seed=config.seed,
    )
    metrics = {name: Metric(value=value) for name, value in found.metrics.items()}
    return metrics | {primary: Metric(value=found.metrics[primary], low=low, high=high)}


def _differences(
    found: Evaluation, references: Mapping[str, Reference], *, config: RecipeConfig
) -> dict[str, Difference]:
    """By baseline, how much the model exceeds it in the primary metric on the examples that both were measured on."""
    differences = {}
    for name, each in references.items():
        if each.examples is not None:
            own = found.examples if each.rows is None else found.examples[each.rows]
            _expect_same(own, each.examples, name=f"the baseline {name}")
            differences[name] = _difference(own, each.examples, statistic=found.statistic, config=config)
    return differences


def _champion(run_id: str, own: Evaluation, *, challenger: Evaluation, config: RecipeConfig) -> ChampionMetrics:
    _expect_same(challenger.examples, own.examples, name=f"the champion {run_id}")
    difference = _difference(challenger.examples, own.examples, statistic=challenger.statistic, config=config)
    metrics = {name: Metric(value=value) for name, value in own.metrics.items()}
    return ChampionMetrics(run_id=run_id, metrics=metrics, difference=difference)


def _expect_same(examples: np.ndarray, others: np.ndarray, *, name: str) -> None:
    if len(examples) != len(others):
        raise JobFailed(f"Expected {name} to be scored on the same {len(examples)} examples, found {len(others)}.")


def _difference(first: np.ndarray, second: np.ndarray, *, statistic: Statistic, config: RecipeConfig) -> Difference:
    return paired_difference(
        first,
        second,
        statistic=statistic,
        confidence=config.gate.confidence,
        resamples=config.gate.resamples,
        seed=config.seed,
    )
