"""Stage train: trains a recipe's model and leaves it in the model folder with its card; runs in the training image."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainyard.contract.config import to_mapping
from trainyard.contract.training.progress import metric
from trainyard.run import recipe
from trainyard.run.model_archive import ModelCard
from trainyard.run.run import Run
from trainyard.run.settings.overrides import override
from trainyard.serving import forms
from trainyard.serving.examples import Examples

LIBRARIES = ("tensorflow", "tensorflow-cpu", "keras", "numpy", "scipy", "scikit-learn", "gensim", "pandas", "pyarrow")


def train(
    run: Run, channels: Mapping[str, Path], *, hyperparameters: Mapping[str, str], model_dir: Path, checkpoints: Path
) -> None:
    """Train on the channels `train`, `validation` and `features`, with the job's hyperparameters over the run's."""
    config = override(recipe.config(run.recipe, run.config), {"hyperparameters": hyperparameters})
    used = to_mapping(config.hyperparameters)
    model_dir.mkdir(parents=True, exist_ok=True)
    metrics = recipe.module(run.recipe, "train").train(
        channels, model_dir=model_dir, checkpoints=_own(checkpoints, used), config=config
    )
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
        hyperparameters=used,
        config=to_mapping(config),
        objects={each.key: each.version_id for each in run.files},
        metrics=dict(metrics),
        libraries=libraries(),
    ).write(model_dir)


def libraries() -> dict[str, str]:
    """The versions of Python and of the installed libraries that can change what a training finds."""
    installed = {each.name.lower(): each.version for each in importlib.metadata.distributions()}
    known = {name: installed[name] for name in LIBRARIES if name in installed}
    return {"python": platform.python_version(), **known}


def keep_examples(name: str, model_dir: Path) -> None:
    """Leave requests and this model's answers beside it, for the test of an endpoint that serves it."""
    predictor = recipe.module(name, "serve").load(model_dir)
    rows = predictor.examples()
    Examples.of(rows, predictor.predict(rows), routes=forms.described(predictor.routes())).save(model_dir)


def _own(checkpoints: Path, hyperparameters: Mapping[str, Any]) -> Path:
    """A folder for these hyperparameters: a checkpoint of others is of no use, and a tuning job has many."""
    identity = hashlib.sha256(json.dumps(hyperparameters, sort_keys=True).encode()).hexdigest()[:16]
    (checkpoints / identity).mkdir(exist_ok=True)
    return checkpoints / identity
