"""Trains the towers of each objective and leaves them in the model folder; runs in the training image.

First on the training ratings alone, to find on the validation ratings after how many epochs to stop; then anew on both,
for so many epochs: what a user did last says most about what comes next, and is too good for choosing settings only.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from recipes.two_tower.catalogue import Movies
from recipes.two_tower.config import Config
from recipes.two_tower.histories import USERS_FILE
from recipes.two_tower.inference import ObjectiveName
from recipes.two_tower.objectives import Objective, objectives
from recipes.two_tower.ranking.choice import Choice, choose
from recipes.two_tower.ranking.grid import Grid
from recipes.two_tower.ratings import HISTORIES_FILE, RATINGS_FILE, Ratings
from recipes.two_tower.scale import Scale
from recipes.two_tower.towers import Towers
from recipes.two_tower.trainers import RatingTrainer, RetrievalTrainer
from recipes.two_tower.training_data import TrainingData
from recipes.two_tower.validation import METRICS, RANKED, Learned, Validate, choose_rating_steps, learned, validator
from trainyard.contract.lean.threads import threads_for
from trainyard.contract.training import checkpoint, curves
from trainyard.contract.training.progress import metric, progress

# How far the whole is when each of the four trainings begins and ends.
TRIAL_PROGRESS = {"rating": (0.0, 0.3), "retrieval": (0.3, 0.6)}
FINAL_PROGRESS = {"rating": (0.6, 0.8), "retrieval": (0.8, 1.0)}


def train(channels: Mapping[str, Path], model_dir: Path, *, checkpoints: Path, config: Config) -> dict[str, float]:
    """Train on the channels `train`, `validation` and `features`; returns the validation metrics.

    Interactions have no ratings to learn, so that objective and its figures are left out. Prints `teacher_l2`, the
    penalty of the EASE that the towers begin with, and `rating_loss`, `validation_rmse`, `retrieval_loss` and
    `validation_ndcg_at_10` per epoch. A checkpoint after each epoch lets a killed training go on as if nothing had
    happened.
    """
    earlier, later = (Ratings.load(channels[name] / RATINGS_FILE) for name in ("train", "validation"))
    # TensorFlow's threads have most of the work; those of numpy would keep cores from them while they wait for more.
    with threads_for(1):
        return _train(channels, model_dir, ratings=(earlier, later), checkpoints=checkpoints, config=config)


def _train(
    channels: Mapping[str, Path],
    model_dir: Path,
    *,
    ratings: tuple[Ratings, Ratings],
    checkpoints: Path,
    config: Config,
) -> dict[str, float]:
    movies, scale = Movies.load(channels["features"]), Scale.load(channels["features"])
    earlier, later = ratings
    data = _data(movies, earlier, scale=scale, config=config)
    # The towers see histories as EASE ranks best with, and are taught by the EASE that does.
    l2, temperature = config.hyperparameters.ease_l2, config.hyperparameters.temperature
    best = choose(data, data.base_scores, later=later, temperature=temperature, grid=Grid(), usual_l2=l2)
    metric("teacher_l2", best.l2)
    data = data.with_choice(l2=best.l2, interest=best.interest, temperature=temperature)
    trial = _trial(data, later, checkpoints=checkpoints, config=config)
    known = earlier.concat(later)
    everything = _data(movies, known, scale=scale, config=config)
    everything = everything.with_choice(l2=best.l2, interest=best.interest, temperature=temperature)
    towers: dict[str, Towers] = {}
    for name, make in objectives(scale).items():
        objective = make(everything, config, trainer=trial.trainers[name])
        path, epochs = checkpoints / f"final_{name}.npz", trial.learned[name].epochs
        _fit(objective, path, epochs=epochs, span=FINAL_PROGRESS[name])
        towers[name] = objective.towers()
        objective.save(model_dir / f"{name}.keras")
    recommender = everything.recommender(towers.get("rating"), towers["retrieval"], config=config)
    ranker = trial.choice.ranker(everything, config.hyperparameters)
    replace(recommender, ranker=ranker, rating_steps=trial.rating_steps).save(model_dir)
    known.save(model_dir / HISTORIES_FILE)
    shutil.copyfile(channels["features"] / USERS_FILE, model_dir / USERS_FILE)
    curves.write(trial.figures, model_dir)
    return {METRICS[name]: each.metric for name, each in trial.learned.items()} | {RANKED: trial.choice.ndcg}


def _data(movies: Movies, ratings: Ratings, *, scale: Scale, config: Config) -> TrainingData:
    """Ratings of the catalogue that the model gets have its indices already."""
    encoded = ratings.encoded(np.arange(len(movies), dtype=np.int32), scale)
    return TrainingData.from_ratings(movies, encoded, scale=scale, config=config)


@dataclass(frozen=True, kw_only=True)
class _Trial:
    """What training on the training ratings alone has shown.

    `figures` are loss and metric of every epoch of each objective, under the names that are printed, `learned` is what
    they came to, `choice` says how to rank and `rating_steps` how to rate; `trainers` can be used again.
    """

    figures: Mapping[str, list[float]]
    learned: Mapping[ObjectiveName, Learned]
    choice: Choice
    rating_steps: float | None
    trainers: Mapping[str, RatingTrainer | RetrievalTrainer]


def _trial(data: TrainingData, later: Ratings, *, checkpoints: Path, config: Config) -> _Trial:
    found: dict[str, list[float]] = {}
    outcome: dict[ObjectiveName, Learned] = {}
    trainers: dict[str, RatingTrainer | RetrievalTrainer] = {}
    for name, make in objectives(data.scale).items():
        objective, validate = make(data, config), validator(name, data, later=later, config=config)
        path, span, start = checkpoints / f"trial_{name}.npz", TRIAL_PROGRESS[name], objective.towers()
        losses, metrics = _fit(objective, path, epochs=objective.epochs, span=span, validate=validate)
        found |= {f"{name}_loss": losses, METRICS[name]: metrics}
        outcome[name] = learned(name, start=start, end=objective.towers(), metrics=metrics, validate=validate)
        trainers[name] = objective.trainer
    retrieval = outcome["retrieval"].towers
    recommender = replace(data.recommender(None, retrieval, config=config), objective="retrieval")
    grid, temperature = Grid.after(data.statistics.interest), config.hyperparameters.temperature
    choice = choose(data, recommender.scores, later=later, temperature=temperature, grid=grid)
    metric(RANKED, choice.ndcg)
    rated = outcome.get("rating")
    rating_steps = choose_rating_steps(data, rated.towers, later=later, config=config) if rated else None
    return _Trial(figures=found, learned=outcome, choice=choice, rating_steps=rating_steps, trainers=trainers)


def _fit(
    objective: Objective, path: Path, *, epochs: int, span: tuple[float, float], validate: Validate | None = None
) -> tuple[list[float], list[float]]:
    """Train the epochs that the checkpoint lacks; returns the loss and, where validated, the metric of every epoch."""
    name, (begin, end) = objective.name, span
    saved = checkpoint.load(path)
    losses, metrics = (saved[each].tolist() if saved else [] for each in ("losses", "metrics"))
    if saved:
        objective.trainer.restore(saved)
    if objective.told and epochs:
        progress(begin, f"{name}, {objective.told}")
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
