"""How good towers are on validation ratings while they are trained: one metric per objective; for train, numpy only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from recipes.two_tower.config import Config
from recipes.two_tower.inference import TOP_K, ObjectiveName, Recommender
from recipes.two_tower.metrics import ndcg_and_recall, relevant_ratings, rmse
from recipes.two_tower.ratings import Ratings
from recipes.two_tower.scale import Scale
from recipes.two_tower.towers import Towers
from recipes.two_tower.training_data import TrainingData
from trainyard.errors import JobFailed

METRICS: Mapping[ObjectiveName, str] = {"rating": "validation_rmse", "retrieval": f"validation_ndcg_at_{TOP_K}"}
# Of the towers' movies in the order that is chosen for them, printed once.
RANKED = f"validation_ranked_ndcg_at_{TOP_K}"
# How long what somebody gave of late counts; none where it does not help.
RATING_STEPS = (None, 10.0, 30.0, 100.0)

# Of the NDCG before training, what the best epoch must keep: newcomers and new movies are known by training alone.
LEAST_KEPT = 0.95

Validate = Callable[[Towers], float]


def best_epoch(name: ObjectiveName, metrics: Sequence[float]) -> int:
    """The epoch (from 0) with the lowest RMSE, or with the highest NDCG."""
    return int(np.argmin(metrics) if name == "rating" else np.argmax(metrics))


@dataclass(frozen=True, kw_only=True)
class Learned:
    """What training has come to: the towers, after how many epochs to stop (0: not to begin), and the metric then."""

    towers: Towers
    epochs: int
    metric: float


def learned(
    name: ObjectiveName, *, start: Towers, end: Towers, metrics: Sequence[float], validate: Validate
) -> Learned:
    """What `metrics` of the epochs say of towers that were `start` before and `end` after them.

    Towers of retrieval start from EASE's factors. Those that lost more than a little of their NDCG are not trained, as
    with a learning rate that is too high.
    """
    best = best_epoch(name, metrics)
    if name == "retrieval" and metrics[best] < LEAST_KEPT * (before := validate(start)):
        return Learned(towers=start, epochs=0, metric=before)
    return Learned(towers=end, epochs=best + 1, metric=metrics[best])


def validator(name: ObjectiveName, data: TrainingData, *, later: Ratings, config: Config) -> Validate:
    """What gives the metric of an objective's towers on `later` ratings, given those that they were trained on.

    `later` is on the scale of the data; its movies are those of `data`.
    """
    return (_rating if name == "rating" else _retrieval)(data, later, config=config)


def choose_rating_steps(data: TrainingData, towers: Towers, *, later: Ratings, config: Config) -> float | None:
    """The `Recommender.rating_steps` with the least error on `later` ratings (on the scale of the data)."""
    error = _rating_error(data, later, config=config)
    recommender = data.recommender(towers, towers, config=config)
    return min(RATING_STEPS, key=lambda steps: error(replace(recommender, rating_steps=steps)))


def _rating(data: TrainingData, later: Ratings, *, config: Config) -> Validate:
    error = _rating_error(data, later, config=config)
    return lambda towers: error(data.recommender(towers, towers, config=config))


def _rating_error(data: TrainingData, later: Ratings, *, config: Config) -> Callable[[Recommender], float]:
    asked = _evenly_spaced_users(later, config.data.max_evaluated_users)
    histories = data.ratings.of_users(asked.users)

    def error(recommender: Recommender) -> float:
        return rmse(recommender.expected_ratings(histories, asked.user_rows, movies=asked.movies), asked.values)

    return error


def _retrieval(data: TrainingData, later: Ratings, *, config: Config) -> Validate:
    relevant = liked(later, data.scale, users=config.data.max_evaluated_users)
    histories = data.ratings.of_users(relevant.users)

    def validate(towers: Towers) -> float:
        recommender = replace(data.recommender(towers, towers, config=config), objective="retrieval")
        found = recommender.recommend(histories, TOP_K)
        return float(ndcg_and_recall([movies for movies, _ in found], relevant, count=TOP_K)[:, 0].mean())

    return validate


def liked(later: Ratings, scale: Scale, *, users: int) -> Ratings:
    """What at most so many users liked of `later`, which is on the scale of the data. Raises JobFailed without any."""
    relevant = relevant_ratings(later, scale)
    if len(relevant) == 0:
        raise JobFailed(
            f"Expected validation ratings of at least {scale.relevant:g}, found none; set a lower data.relevant_rating."
        )
    return _evenly_spaced_users(relevant, users)


def _evenly_spaced_users(ratings: Ratings, limit: int) -> Ratings:
    """At most `limit` users, evenly spread over all."""
    count = min(len(ratings.users), limit)
    return ratings.take(np.unique(np.linspace(0, len(ratings.users) - 1, count).round().astype(np.int64)))
