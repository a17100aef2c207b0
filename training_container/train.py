"""Training job: reads the channels, trains the recipe's model and leaves it in the model folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from trainyard import container, recipe
from trainyard.config import to_mapping
from trainyard.model_archive import ModelCard
from trainyard.overrides import override
from trainyard.progress import metric
from trainyard.run import Run
from trainyard.serving.examples import Examples

CHANNELS = ("train", "validation", "features")


def main() -> None:
    """Train with the job's hyperparameters laid over the run's configuration."""
    run = Run.read(container.channel("resolve"))
    given = container.hyperparameters()
    config = override(recipe.config(run.recipe, run.config), {"hyperparameters": given})
    hyperparameters = to_mapping(config.hyperparameters)
    # A checkpoint of other hyperparameters is of no use, and a tuning job has many.
    identity = hashlib.sha256(json.dumps(hyperparameters, sort_keys=True).encode()).hexdigest()[:16]
    checkpoints = container.checkpoints() / identity
    checkpoints.mkdir(exist_ok=True)
    model_dir = container.model_dir()
    model_dir.mkdir(parents=True, exist_ok=True)
    channels = {name: container.channel(name) for name in CHANNELS}
    metrics = recipe.module(run.recipe, "train").train(channels, model_dir, checkpoints, config)
    for name, value in metrics.items():
        metric(name, value)
    keep_examples(run.recipe, model_dir)
    ModelCard(
        recipe=run.recipe,
        run_id=run.run_id,
        dataset=run.dataset,
        fingerprint=run.fingerprint,
        code_version=run.code_version,
        seed=config.seed,
        hyperparameters=hyperparameters,
        config=to_mapping(config),
        objects={each.key: each.version_id for each in run.files},
        metrics=dict(metrics),
    ).write(model_dir)


def keep_examples(name: str, model_dir: Path) -> None:
    """Leave requests and this model's answers beside it, for the test of an endpoint that serves it."""
    predictor = recipe.module(name, "serve").load(model_dir)
    rows = predictor.examples()
    Examples.of(rows, predictor.predict(rows)).save(model_dir)
