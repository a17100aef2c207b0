"""Trains both pairs of towers and leaves them in the model folder; runs in the training image.

First on the training ratings alone, to find on the validation ratings after how many epochs to stop; then anew on both,
for so many epochs: what a user did last says most about what comes next, and is too good for choosing settings only.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from recipes.two_tower.catalogue import Movies
from recipes.two_tower.config import Config
from recipes.two_tower.objectives import OBJECTIVES, Objective
from recipes.two_tower.process import RATINGS_FILE
from recipes.two_tower.ratings import HISTORIES_FILE, Ratings
from recipes.two_tower.towers import Towers
from recipes.two_tower.training_data import TrainingData
from recipes.two_tower.validation import METRICS, Validate, best_epoch, validator
from trainyard.contract import checkpoint, curves
from trainyard.contract.progress import metric, progress

# How far the whole is when each of the four trainings begins and ends.
TRIAL_PROGRESS = {"rating": (0.0, 0.3), "retrieval": (0.3, 0.6)}
FINAL_PROGRESS = {"rating": (0.6, 0.8), "retrieval": (0.8, 1.0)}


def train(channels: Mapping[str, Path], model_dir: Path, *, checkpoints: Path, config: Config) -> dict[str, float]:
    """Train on the channels `train`, `validation` and `features`; returns the validation metrics.

    Prints `rating_loss`, `validation_rmse`, `retrieval_loss` and `validation_ndcg_at_10` per epoch. A checkpoint after
    each epoch lets a killed training go on as if nothing had happened.
    """
    movies = Movies.load(channels["features"])
    natural = [Ratings.load(channels[name] / RATINGS_FILE) for name in ("train", "validation")]
    earlier, later = (each.encoded(movies.encode(each.movies)) for each in natural)
    data = TrainingData.from_ratings(movies, earlier, config=config)
    found = _trial(data, later, checkpoints=checkpoints, config=config)
    best = {name: best_epoch(name, found[METRICS[name]]) for name in OBJECTIVES}
    everything = TrainingData.from_ratings(movies, earlier.concat(later), config=config)
    towers: dict[str, Towers] = {}
    for name, make in OBJECTIVES.items():
        objective = make(everything, config)
        _fit(objective, checkpoints / f"final_{name}.npz", epochs=best[name] + 1, span=FINAL_PROGRESS[name])
        towers[name] = objective.towers()
        objective.save(model_dir / f"{name}.keras")
    everything.recommender(towers["rating"], towers["retrieval"], config=config).save(model_dir)
    natural[0].concat(natural[1]).save(model_dir / HISTORIES_FILE)
    curves.write(found, model_dir)
    return {METRICS[name]: found[METRICS[name]][epoch] for name, epoch in best.items()}


def _trial(data: TrainingData, later: Ratings, *, checkpoints: Path, config: Config) -> dict[str, list[float]]:
    """Loss and validation metric of every epoch of both objectives, under the names that are printed."""
    found: dict[str, list[float]] = {}
    for name, make in OBJECTIVES.items():
        objective, validate = make(data, config), validator(name, data, later=later, config=config)
        path, span = checkpoints / f"trial_{name}.npz", TRIAL_PROGRESS[name]
        losses, metrics = _fit(objective, path, epochs=objective.epochs, span=span, validate=validate)
        found |= {f"{name}_loss": losses, METRICS[name]: metrics}
    return found


def _fit(
    objective: Objective, path: Path, *, epochs: int, span: tuple[float, float], validate: Validate | None = None
) -> tuple[list[float], list[float]]:
    """Train the epochs that the checkpoint lacks; returns the loss and, where validated, the metric of every epoch."""
    name, (begin, end) = objective.name, span
    saved = checkpoint.load(path)
    losses, metrics = (saved[each].tolist() if saved else [] for each in ("losses", "metrics"))
    if saved:
        objective.trainer.restore(saved)
    for epoch in range(len(losses), epochs):
        losses.append(_train_epoch(objective, epoch))
        if validate:
            metrics.append(validate(objective.towers()))
            metric(f"{name}_loss", losses[-1])
            metric(METRICS[name], metrics[-1])
        progress(begin + (end - begin) * (epoch + 1) / epochs, f"{name}, epoch {epoch + 1} of {epochs}")
        figures = {"losses": np.asarray(losses), "metrics": np.asarray(metrics)}
        checkpoint.save(path, objective.trainer.state() | figures)
    return losses, metrics


def _train_epoch(objective: Objective, epoch: int) -> float:
    """The mean loss of one epoch (from 0). Raises JobFailed when it is not finite."""
    loss = float(np.mean([objective.trainer.step(batch) for batch in objective.batches(epoch)]))
    return curves.finite_loss(loss, epoch=epoch, setting=f"hyperparameters.{objective.name}_learning_rate")
