"""Trains both pairs of towers and leaves them in the model folder; runs in the training image.

First on the training ratings alone, to find on the validation ratings after how many epochs to stop; then anew on both,
for so many epochs: what a user did last says most about what comes next, and is too good for choosing settings only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from recipes.two_tower.catalogue import Movies
from recipes.two_tower.config import Config
from recipes.two_tower.courses import COURSES, Course, Material
from recipes.two_tower.measures import ranking, rmse, with_relevant
from recipes.two_tower.model import Trainer
from recipes.two_tower.process import RATINGS_FILE
from recipes.two_tower.ratings import HISTORIES_FILE, Ratings
from recipes.two_tower.recommender import TOP
from recipes.two_tower.towers import Towers
from trainyard.errors import JobFailed
from trainyard.progress import metric, progress

KERAS_FILES = {"rating": "rating.keras", "retrieval": "retrieval.keras"}
CURVES_FILE = "curves.csv"
WARM_UP_STEPS = 50

Score = Callable[[Towers], float]


def train(channels: Mapping[str, Path], model_dir: Path, checkpoints: Path, config: Config) -> dict[str, float]:
    """Train on the channels `train`, `validation` and `features`; returns the validation metrics.

    Prints `rating_loss`, `validation_rmse`, `retrieval_loss` and `validation_ndcg_at_10` per epoch. A checkpoint after
    each epoch lets a killed training go on as if nothing had happened.
    """
    movies = Movies.load(channels["features"])
    before, after = (_encoded(channels[name] / RATINGS_FILE, movies) for name in ("train", "validation"))
    curves = _rehearse(Material.of(movies, before, config), after, checkpoints, config)
    everything = Material.of(movies, before.joined(after), config)
    made = {}
    for place, (name, start) in enumerate(COURSES.items()):
        best = _best(name, curves[name])
        course = start(everything, config)
        _run(course, checkpoints / f"final_{name}.npz", best + 1, config, name, span=(0.6 + 0.2 * place, 0.2))
        made[name] = course.towers()
        course.trainer.use_average()
        course.model.save(model_dir / KERAS_FILES[name])
    recommender = everything.recommender(made["rating"], made["retrieval"], config)
    recommender.save(model_dir)
    natural = Ratings.load(channels["train"] / RATINGS_FILE).joined(Ratings.load(channels["validation"] / RATINGS_FILE))
    natural.save(model_dir / HISTORIES_FILE)
    return _write_curves(curves, model_dir)


def _encoded(path: Path, movies: Movies) -> Ratings:
    ratings = Ratings.load(path)
    return ratings.encoded(movies.encode(ratings.movies))


def _rehearse(material: Material, after: Ratings, checkpoints: Path, config: Config) -> dict[str, np.ndarray]:
    """Loss and validation score of every epoch of both objectives [epochs, 2]."""
    curves = {}
    for place, (name, start) in enumerate(COURSES.items()):
        course = start(material, config)
        score = _SCORES[name](material, after, config, course.towers())
        epochs = _epochs(name, config)
        span = (0.3 * place, 0.3)
        curves[name] = _run(course, checkpoints / f"trial_{name}.npz", epochs, config, name, span=span, score=score)
    return curves


def _epochs(name: str, config: Config) -> int:
    parameters = config.hyperparameters
    return parameters.rating_epochs if name == "rating" else parameters.retrieval_epochs


def _best(name: str, curve: np.ndarray) -> int:
    return int(np.argmin(curve[:, 1]) if name == "rating" else np.argmax(curve[:, 1]))


def _run(
    course: Course,
    checkpoint: Path,
    epochs: int,
    config: Config,
    name: str,
    *,
    span: tuple[float, float],
    score: Score | None = None,
) -> np.ndarray:
    """Train the epochs that no checkpoint holds yet; returns loss and score (0 without `score`) of every epoch."""
    total = _epochs(name, config) * course.steps_per_epoch
    curve = _restore(course.trainer, checkpoint)
    for epoch in range(len(curve), epochs):
        losses = []
        for number, batch in enumerate(course.batches(epoch)):
            rate = _rate(course.rate, epoch * course.steps_per_epoch + number, total)
            losses.append(course.trainer.step(*batch, tf.constant(rate, tf.float32)))
        loss = float(np.mean(losses))
        if not np.isfinite(loss):
            raise JobFailed(
                f"Expected a finite loss, found {loss} in epoch {epoch + 1} of {name}; "
                f"set a smaller hyperparameters.{name}_learning_rate."
            )
        scored = score(course.towers()) if score else 0.0
        if score:
            metric(f"{name}_loss", loss)
            metric(METRICS[name], scored)
        progress(span[0] + span[1] * (epoch + 1) / epochs, f"{name}, epoch {epoch + 1} of {epochs}")
        curve = np.vstack([curve, [[loss, scored]]])
        _checkpoint(course.trainer, checkpoint, curve)
    return curve


def _rate(first: float, step: int, total: int) -> float:
    """Up in `WARM_UP_STEPS` or a tenth of all steps, then down to zero along a cosine."""
    warm_up = max(1.0, min(WARM_UP_STEPS, total / 10))
    return first * min(1.0, (step + 1) / warm_up) * 0.5 * (1.0 + float(np.cos(np.pi * step / total)))


METRICS = {"rating": "validation_rmse", "retrieval": f"validation_ndcg_at_{TOP}"}


def _rating_score(material: Material, after: Ratings, config: Config, other: Towers) -> Score:
    some = _some_users(after, config)
    histories = material.ratings.of_users(some.users)

    def score(towers: Towers) -> float:
        recommender = material.recommender(towers, other, config)
        return rmse(recommender.expected(histories, some.row_of_value, some.movies), some.values)

    return score


def _retrieval_score(material: Material, after: Ratings, config: Config, other: Towers) -> Score:
    relevant = _some_users(with_relevant(after, config.data.relevant_rating), config)
    if len(relevant) == 0:
        raise JobFailed(
            f"Expected validation ratings of at least {config.data.relevant_rating:g}, found none; set a lower "
            "data.relevant_rating."
        )
    histories = material.ratings.of_users(relevant.users)

    def score(towers: Towers) -> float:
        recommender = replace(material.recommender(other, towers, config), objective="retrieval")
        found = recommender.recommend(histories, TOP)
        return float(ranking([movies for movies, _ in found], relevant, TOP)[:, 0].mean())

    return score


_SCORES: Mapping[str, Callable[[Material, Ratings, Config, Towers], Score]] = {
    "rating": _rating_score,
    "retrieval": _retrieval_score,
}


def _some_users(ratings: Ratings, config: Config) -> Ratings:
    """At most `max_scored_users` users, evenly spread over all."""
    count = min(len(ratings.users), config.data.max_scored_users)
    return ratings.take(np.unique(np.linspace(0, len(ratings.users) - 1, count).round().astype(np.int64)))


def _write_curves(curves: Mapping[str, np.ndarray], model_dir: Path) -> dict[str, float]:
    """Write every epoch's figures, and return those of the best epochs."""
    lines = ["objective,epoch,loss,validation"]
    for name, curve in curves.items():
        lines += [f"{name},{epoch},{loss:.8g},{score:.8g}" for epoch, (loss, score) in enumerate(curve, start=1)]
    (model_dir / CURVES_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {METRICS[name]: float(curve[_best(name, curve), 1]) for name, curve in curves.items()}


def _restore(trainer: Trainer, path: Path) -> np.ndarray:
    """Put the trainer where the checkpoint was made; returns the curve up to there, empty without a checkpoint."""
    if not path.exists():
        return np.empty((0, 2))
    with np.load(path) as saved:
        state: Sequence[np.ndarray] = [saved[f"state_{place}"] for place in range(len(saved.files) - 1)]
        trainer.restore(state)
        return np.asarray(saved["curve"])


def _checkpoint(trainer: Trainer, path: Path, curve: np.ndarray) -> None:
    """Replace the checkpoint as a whole: a job that is killed meanwhile leaves the one before."""
    unfinished = path.with_suffix(".partial")
    states = {f"state_{place}": each for place, each in enumerate(trainer.state())}
    with unfinished.open("wb") as file:
        np.savez(file, allow_pickle=False, curve=curve, **states)
    unfinished.replace(path)
