"""Evaluates a model on held-out ratings, beside simple baselines; runs in the training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from recipes.two_tower.baselines import RANKING_BASELINES, bias_baseline, recommend
from recipes.two_tower.catalogue import UNKNOWN, Movies, read_keys
from recipes.two_tower.config import BEST_MOVIE, Config
from recipes.two_tower.inference import TOP_K, Recommender
from recipes.two_tower.metrics import coverage, ndcg_and_recall, relative_rmse, relevant_ratings, rmse
from recipes.two_tower.ratings import HISTORIES_FILE, RATINGS_FILE, Ratings
from recipes.two_tower.scale import Scale
from trainyard.contract.evaluation import Evaluation, Reference
from trainyard.contract.lean.arrow import read_table
from trainyard.contract.training.progress import progress
from trainyard.errors import JobFailed

# Baselines learn from at most so many users, and are asked for the movies of fewer.
KNOWN_USERS, REFERENCE_USERS = 20_000, 2_000
NDCG, RECALL, COVERAGE = (f"{name}_at_{TOP_K}" for name in ("ndcg", "recall", "coverage"))
NEGATIVE_MSE, RELATIVE_RMSE = "negative_mse", "relative_rmse"


@dataclass(frozen=True, kw_only=True)
class Holdout:
    """Held-out ratings, what the same users rated before, and the scale and movies that these data have."""

    held_out: Ratings
    histories: Ratings
    scale: Scale
    keys: Sequence[str]

    @classmethod
    def load(cls, directory: Path) -> Holdout:
        held_out, histories = (Ratings.load(directory / name) for name in (RATINGS_FILE, HISTORIES_FILE))
        return cls(held_out=held_out, histories=histories, scale=Scale.load(directory), keys=read_keys(directory))

    @cached_property
    def relevant(self) -> Ratings:
        """The held-out ratings that should be recommended. Raises JobFailed where there are none."""
        relevant = relevant_ratings(self.held_out, self.scale)
        if len(relevant) == 0:
            raise JobFailed(
                f"Expected held-out ratings of at least {self.scale.relevant:g}, found none; set a lower "
                "data.relevant_rating."
            )
        return relevant


def evaluate(model_dir: Path, holdout: Path, *, config: Config) -> Evaluation:
    """Metrics of a model on the holdout, given what the same users rated before.

    * `ndcg_at_10`, `recall_at_10`: means over users of how well the ten best unrated movies of the whole catalogue
      match the held-out ones that count as liked; users without such are left out.
    * `coverage_at_10`: share of the catalogue that is recommended to at least one of them.
    * `rmse`, `mae`, `negative_mse` (-rmse^2), `relative_rmse` (see `metrics`): of the expected ratings of all held-out
      movies, on the scale of the data; not of interactions, which have no ratings.

    `examples` is one NDCG per user, or one negative squared error per rating if the gate's primary is `negative_mse`.
    """
    recommender, data = Recommender.load(model_dir), Holdout.load(holdout)
    index = recommender.movies.encode(data.keys)
    users = data.relevant.users
    recommended = _recommend(recommender, data.histories.of_users(users), index=index)
    places = _inverse(index, len(recommender.movies))
    ranked = ndcg_and_recall([places[each] for each in recommended], data.relevant, count=TOP_K)
    metrics = _ranking_metrics(ranked, recommended, movies=len(recommender.movies))
    answers = _answers(recommender, recommended, held_out=data.held_out.of_users(users), index=index)
    if not data.scale.rated:
        return Evaluation(metrics=metrics, examples=ranked[:, 0], not_applicable=(RELATIVE_RMSE,), answers=answers)
    expected = expected_ratings(recommender, data, index=index)
    squared = -((expected - data.held_out.values) ** 2)
    metrics |= _rating_metrics(expected, data)
    examples = squared if config.gate.primary == NEGATIVE_MSE else ranked[:, 0]
    return Evaluation(metrics=metrics, examples=examples, answers=answers)


def references(channels: Mapping[str, Path], holdout: Path, *, config: Config) -> dict[str, Reference]:
    """Popularity, item-kNN (cosine, all neighbours) and EASE on ranking, and plain averages on ratings.

    They learn from the training and validation ratings, as the model does in the end, of at most `KNOWN_USERS`.
    """
    movies, data = Movies.load(channels["features"]), Holdout.load(holdout)
    index = np.arange(len(movies), dtype=np.int32)
    known = known_ratings(channels, index, scale=data.scale, seed=config.seed)
    rows = np.arange(min(len(data.relevant.users), REFERENCE_USERS))
    relevant, by_error = data.relevant.take(rows), config.gate.primary == NEGATIVE_MSE
    given = data.histories.of_users(relevant.users).encoded(index, data.scale)
    found: dict[str, Reference] = {}
    for step, (name, fit) in enumerate(RANKING_BASELINES.items(), start=1):
        recommended = recommend(fit(known, len(movies)), given, movies=len(movies))
        ranked = ndcg_and_recall(recommended, relevant, count=TOP_K)
        metrics = _ranking_metrics(ranked, recommended, movies=len(movies))
        found[name] = (
            Reference(metrics=metrics) if by_error else Reference(metrics=metrics, examples=ranked[:, 0], rows=rows)
        )
        progress(step / (len(RANKING_BASELINES) + 1), f"baseline {name}")
    if data.scale.rated:
        expected = bias_baseline(
            known, movies, histories=data.histories.encoded(index, data.scale), asked=data.held_out
        )
        natural = data.scale.natural(expected)
        squared = -((natural - data.held_out.values) ** 2)
        found["averages"] = Reference(metrics=_rating_metrics(natural, data), examples=squared if by_error else None)
    return found


def expected_ratings(recommender: Recommender, data: Holdout, *, index: np.ndarray) -> np.ndarray:
    """The rating that a model expects for every held-out row, on the scale of the data; the mean for unknown movies.

    `index` has the model's index of each of the data's movies. A model of interactions expects what it always saw.
    """
    asked = data.held_out
    expected = np.full(len(asked), recommender.scale.natural(np.asarray([recommender.statistics.mean]))[0])
    indices = index[asked.movies]
    rows = np.flatnonzero(indices >= 0)
    if recommender.rating_towers is not None:
        given = data.histories.of_users(asked.users).encoded(index, recommender.scale)
        expected[rows] = recommender.expected_ratings(given, asked.user_rows[rows], movies=indices[rows])
    return expected


def known_ratings(channels: Mapping[str, Path], index: np.ndarray, *, scale: Scale, seed: int) -> Ratings:
    """Training and validation ratings, as models compute on them, of at most `KNOWN_USERS` users."""
    paths = [channels[name] / RATINGS_FILE for name in ("train", "validation")]
    users = np.unique(np.concatenate([pc.unique(read_table(path, ["user"])["user"]) for path in paths]))
    if len(users) > KNOWN_USERS:
        users = users[np.sort(np.random.default_rng(seed).choice(len(users), KNOWN_USERS, replace=False))]
    # One after the other: of each, what is not needed is gone before the next is read.
    train, validation = (Ratings.load(path).of_users(users) for path in paths)
    return train.concat(validation).encoded(index, scale)


def _recommend(recommender: Recommender, histories: Ratings, *, index: np.ndarray) -> list[np.ndarray]:
    """The model's own indices of each user's ten best movies."""
    return [found for found, _ in recommender.recommend(histories.encoded(index, recommender.scale), TOP_K)]


def _answers(
    recommender: Recommender, recommended: Sequence[np.ndarray], *, held_out: Ratings, index: np.ndarray
) -> dict[str, np.ndarray]:
    """Of each user the best movie, and their held-out ratings with those of unknown movies, as `SHARES` name them."""
    unknown = np.bincount(held_out.user_rows, index[held_out.movies] < 0, minlength=len(held_out.users))
    best = recommender.movies.first_ids(recommended)
    return {BEST_MOVIE: best, "ratings": held_out.lengths, "unknown_movies": unknown.astype(np.int64)}


def _inverse(index: np.ndarray, movies: int) -> np.ndarray:
    """The data's index of each of a model's movies; `UNKNOWN` for those that the data lack."""
    places = np.full(movies, UNKNOWN, dtype=np.int32)
    known = np.flatnonzero(index >= 0)
    places[index[known]] = known
    return places


def _ranking_metrics(rows: np.ndarray, recommended: Sequence[np.ndarray], *, movies: int) -> dict[str, float]:
    """Means of what `ndcg_and_recall` gives, and the share of the catalogue that is recommended."""
    ndcg, recall = (float(column.mean()) for column in rows.T)
    return {NDCG: ndcg, RECALL: recall, COVERAGE: coverage(recommended, movies)}


def _rating_metrics(expected: np.ndarray, data: Holdout) -> dict[str, float]:
    errors = expected - data.held_out.values
    return {
        "rmse": rmse(expected, data.held_out.values),
        "mae": float(np.abs(errors).mean()),
        NEGATIVE_MSE: float((-(errors**2)).mean()),
        RELATIVE_RMSE: relative_rmse(expected, data.held_out.values, scale=data.scale),
    }
