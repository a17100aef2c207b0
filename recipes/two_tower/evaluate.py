"""Evaluates a model on held-out ratings, beside simple baselines; runs in the training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from recipes.two_tower.baselines import RANKING_BASELINES, bias_baseline, recommend
from recipes.two_tower.catalogue import Movies
from recipes.two_tower.config import Config
from recipes.two_tower.inference import TOP_K, Recommender
from recipes.two_tower.metrics import coverage, ndcg_and_recall, relevant_ratings, rmse
from recipes.two_tower.process import RATINGS_FILE
from recipes.two_tower.ratings import HISTORIES_FILE, Ratings
from trainyard.contract.evaluation import Evaluation
from trainyard.contract.progress import progress
from trainyard.errors import JobFailed

# Baselines are for orientation, so they get a part of large data.
REFERENCE_USERS = 2_000
NDCG, RECALL, COVERAGE = (f"{name}_at_{TOP_K}" for name in ("ndcg", "recall", "coverage"))
NEGATIVE_MSE = "negative_mse"


def evaluate(model_dir: Path, holdout: Path, *, config: Config) -> Evaluation:
    """Metrics of a model on the holdout, given what the same users rated before.

    * `ndcg_at_10`, `recall_at_10`: means over users of how well the ten best unrated movies of the whole catalogue
      match the held-out ones rated at least `relevant_rating`; users without such are left out.
    * `coverage_at_10`: share of the catalogue that is recommended to at least one of them.
    * `rmse`, `mae`, `negative_mse` (-rmse^2): of the expected ratings of all held-out movies.

    `examples` is one NDCG per user, or one negative squared error per rating if the gate's primary is `negative_mse`.
    """
    recommender = Recommender.load(model_dir)
    held_out, histories = _load(holdout)
    relevant = _relevant(held_out, config)
    recommended = _recommend(recommender, histories.of_users(relevant.users))
    ranked = ndcg_and_recall(recommended, relevant, count=TOP_K)
    expected = expected_ratings(recommender, histories, asked=held_out)
    errors = expected - held_out.values
    metrics = {
        **_ranking_metrics(ranked, recommended, movies=recommender.movies),
        "rmse": rmse(expected, held_out.values),
        "mae": float(np.abs(errors).mean()),
        NEGATIVE_MSE: float((-(errors**2)).mean()),
    }
    by_rating = config.gate.primary == NEGATIVE_MSE
    return Evaluation(metrics=metrics, examples=-(errors**2) if by_rating else ranked[:, 0])


def references(channels: Mapping[str, Path], holdout: Path, *, config: Config) -> dict[str, dict[str, float]]:
    """Popularity, item-kNN (cosine, all neighbours) and EASE on ranking, and plain averages on ratings.

    They learn from the training and validation ratings, as the model does in the end, of at most `REFERENCE_USERS`.
    """
    movies = Movies.load(channels["features"])
    known = _known(channels, movies, seed=config.seed)
    held_out, histories = _load(holdout)
    relevant = _relevant(held_out, config)
    relevant = relevant.take(np.arange(min(len(relevant.users), REFERENCE_USERS)))
    given = histories.of_users(relevant.users)
    given = given.encoded(movies.encode(given.movies))
    found: dict[str, dict[str, float]] = {}
    for step, (name, fit) in enumerate(RANKING_BASELINES.items(), start=1):
        recommended = recommend(fit(known, len(movies)), given, movies=movies)
        ranked = ndcg_and_recall(recommended, relevant, count=TOP_K)
        found[name] = _ranking_metrics(ranked, recommended, movies=movies)
        progress(step / (len(RANKING_BASELINES) + 1), f"baseline {name}")
    errors = bias_baseline(known, movies, histories=histories, asked=held_out) - held_out.values
    found["averages"] = {"rmse": float(np.sqrt((errors**2).mean())), "mae": float(np.abs(errors).mean())}
    return found


def expected_ratings(recommender: Recommender, histories: Ratings, *, asked: Ratings) -> np.ndarray:
    """The rating expected for every row of `asked` (natural ids); the overall mean for a movie nobody knows."""
    movies = recommender.movies
    given = histories.of_users(asked.users)
    given = given.encoded(movies.encode(given.movies))
    indices = movies.encode(asked.movies)
    expected = np.full(len(asked), recommender.statistics.mean)
    rows = np.flatnonzero(indices >= 0)
    expected[rows] = recommender.expected_ratings(given, asked.user_rows[rows], movies=indices[rows])
    return expected


def _known(channels: Mapping[str, Path], movies: Movies, *, seed: int) -> Ratings:
    """Training and validation ratings, as movie indices, of at most `REFERENCE_USERS` users."""
    known = Ratings.load(channels["train"] / RATINGS_FILE).concat(Ratings.load(channels["validation"] / RATINGS_FILE))
    known = known.encoded(movies.encode(known.movies))
    if len(known.users) <= REFERENCE_USERS:
        return known
    chosen = np.random.default_rng(seed).choice(len(known.users), REFERENCE_USERS, replace=False)
    return known.take(np.sort(chosen))


def _load(holdout: Path) -> tuple[Ratings, Ratings]:
    return Ratings.load(holdout / RATINGS_FILE), Ratings.load(holdout / HISTORIES_FILE)


def _recommend(recommender: Recommender, histories: Ratings) -> list[np.ndarray]:
    """Natural ids of each user's ten best movies."""
    movies = recommender.movies
    found = recommender.recommend(histories.encoded(movies.encode(histories.movies)), TOP_K)
    return [movies.ids[indices] for indices, _ in found]


def _ranking_metrics(rows: np.ndarray, recommended: Sequence[np.ndarray], *, movies: Movies) -> dict[str, float]:
    """Means of what `ndcg_and_recall` gives, and the share of the catalogue that is recommended."""
    ndcg, recall = (float(column.mean()) for column in rows.T)
    return {NDCG: ndcg, RECALL: recall, COVERAGE: coverage(recommended, len(movies))}


def _relevant(held_out: Ratings, config: Config) -> Ratings:
    """The held-out ratings that should be recommended. Raises JobFailed where there are none."""
    relevant = relevant_ratings(held_out, config.data.relevant_rating)
    if len(relevant) == 0:
        raise JobFailed(
            f"Expected held-out ratings of at least {config.data.relevant_rating:g}, found none; set a lower "
            "data.relevant_rating."
        )
    return relevant
