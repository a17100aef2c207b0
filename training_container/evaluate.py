"""Evaluation job: scores the new model, the champion and simple baselines on the same held-out rows."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from trainyard import container, recipe
from trainyard.bootstrap import interval, paired_difference
from trainyard.config import RecipeConfig
from trainyard.errors import JobFailed
from trainyard.model_archive import ModelCard, unpack
from trainyard.progress import progress
from trainyard.run import Run
from trainyard.scores import Scores
from trainyard.serving.examples import EXAMPLES_FILE

CHALLENGER = "challenger"


def main() -> None:
    """Write `evaluation.json` for gate and report, `statistics.json` for the model package, and the examples."""
    run = Run.read(container.processing_input("resolve"))
    config = recipe.config(run.recipe, run.config)
    with tempfile.TemporaryDirectory() as scratch:
        evaluation = _evaluate(run, config, Path(scratch))
        _keep_examples(Path(scratch) / CHALLENGER)
    output = container.processing_output("evaluate")
    (output / "evaluation.json").write_text(json.dumps(evaluation, indent=2), encoding="utf-8")
    statistics = {name: {"value": each["value"]} for name, each in evaluation["metrics"].items()}
    (output / "statistics.json").write_text(json.dumps({run.recipe: statistics}, indent=2), encoding="utf-8")


def _evaluate(run: Run, config: RecipeConfig, scratch: Path) -> dict[str, Any]:
    evaluate = recipe.module(run.recipe, "evaluate")
    process = container.processing_input("process")
    challenger_dir = unpack(container.processing_input("model"), scratch / CHALLENGER)
    progress(0.0, "scoring the new model")
    challenger: Scores = evaluate.score(challenger_dir, process / "holdout", config)
    champion = None
    if container.processing_input("champion").is_dir():
        progress(0.3, "scoring the champion")
        champion_dir = unpack(container.processing_input("champion"), scratch / "champion")
        scores = evaluate.score(champion_dir, process / "holdout", config)
        champion = _comparison(ModelCard.read(champion_dir).run_id, scores, challenger, config)
    progress(0.6, "scoring the baselines")
    references = evaluate.references(process / "train", process / "holdout", config)
    progress(1.0, "done")
    return {
        "recipe": run.recipe,
        "run_id": run.run_id,
        "primary": config.gate.primary,
        "rows": len(challenger.examples),
        "hyperparameters": ModelCard.read(challenger_dir).hyperparameters,
        "metrics": _metrics(challenger, config),
        "references": references,
        "champion": champion,
    }


def _keep_examples(model_dir: Path) -> None:
    """The requests for a deployed model's first test, in a small object of their own: the archive is large."""
    if (model_dir / EXAMPLES_FILE).is_file():
        shutil.copyfile(model_dir / EXAMPLES_FILE, container.processing_output("evaluate") / EXAMPLES_FILE)


def _metrics(scores: Scores, config: RecipeConfig) -> dict[str, dict[str, float]]:
    metrics = {name: {"value": value} for name, value in scores.metrics.items()}
    if config.gate.primary not in metrics:
        raise JobFailed(f"Expected {config.gate.primary} among the scores, found {', '.join(metrics) or 'none'}.")
    low, high = interval(
        scores.examples,
        statistic=scores.statistic,
        confidence=config.gate.confidence,
        resamples=config.gate.resamples,
        seed=config.seed,
    )
    metrics[config.gate.primary] |= {"low": low, "high": high}
    return metrics


def _comparison(run_id: str, champion: Scores, challenger: Scores, config: RecipeConfig) -> dict[str, Any]:
    if len(champion.examples) != len(challenger.examples):
        raise JobFailed(
            f"Expected the champion {run_id} to be scored on the same {len(challenger.examples)} examples, "
            f"found {len(champion.examples)}."
        )
    difference = paired_difference(
        challenger.examples,
        champion.examples,
        statistic=challenger.statistic,
        confidence=config.gate.confidence,
        resamples=config.gate.resamples,
        seed=config.seed,
    )
    return {
        "run_id": run_id,
        "metrics": {name: {"value": value} for name, value in champion.metrics.items()},
        "difference": {"value": difference.value, "low": difference.low, "high": difference.high},
    }
