"""Scores a model on held-out ratings, beside simple baselines; runs in the training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from recipes.two_tower.catalogue import Movies
from recipes.two_tower.config import Config
from recipes.two_tower.factors import KERNEL_USERS, Factors, movie_factors
from recipes.two_tower.features import Describer
from recipes.two_tower.measures import ranking, rmse, with_relevant
from recipes.two_tower.movie_statistics import Statistics
from recipes.two_tower.process import RATINGS_FILE
from recipes.two_tower.ratings import HISTORIES_FILE, Ratings
from recipes.two_tower.recommender import TOP, Recommender, hide_rated
from trainyard.errors import JobFailed
from trainyard.progress import progress
from trainyard.ranking import blocks, top_columns
from trainyard.scores import Scores

# Baselines are for orientation, so they get a part of large data.
REFERENCE_USERS = 2_000
EASE_STRENGTH = 400.0
NDCG, RECALL, COVERAGE = (f"{name}_at_{TOP}" for name in ("ndcg", "recall", "coverage"))
NEGATIVE_MSE = "negative_mse"

Score = Callable[[Ratings], np.ndarray]


def score(model_dir: Path, holdout: Path, config: Config) -> Scores:
    """Metrics of a model on the holdout, given what the same users rated before.

    * `ndcg_at_10`, `recall_at_10`: means over users of how well the ten best unrated movies of the whole catalogue
      match the held-out ones rated at least `relevant_rating`; users without such are left out.
    * `coverage_at_10`: share of the catalogue that is recommended to at least one of them.
    * `rmse`, `mae`, `negative_mse` (-rmse^2): of the expected ratings of all held-out movies.

    `examples` is one NDCG per user, or one negative squared error per rating if the gate's primary is `negative_mse`.
    """
    recommender = Recommender.load(model_dir)
    held_out, histories = _loaded(holdout)
    relevant = with_relevant(held_out, config.data.relevant_rating)
    _expect_relevant(relevant, config)
    rows, coverage = _ranked(recommender, histories.of_users(relevant.users), relevant)
    expected = expected_ratings(recommender, histories, held_out)
    errors = expected - held_out.values
    metrics = {
        NDCG: float(rows[:, 0].mean()),
        RECALL: float(rows[:, 1].mean()),
        COVERAGE: coverage,
        "rmse": rmse(expected, held_out.values),
        "mae": float(np.abs(errors).mean()),
        NEGATIVE_MSE: float((-(errors**2)).mean()),
    }
    by_rating = config.gate.primary == NEGATIVE_MSE
    return Scores(metrics=metrics, examples=-(errors**2) if by_rating else rows[:, 0])


def references(train: Path, holdout: Path, config: Config) -> dict[str, dict[str, float]]:
    """Popularity, item-kNN (cosine, all neighbours) and EASE on ranking, and plain averages on ratings.

    They learn from the training and validation ratings, as the model does in the end, of at most `REFERENCE_USERS`.
    """
    movies = Movies.load(train.parent / "features")
    known = Ratings.load(train / RATINGS_FILE).joined(Ratings.load(train.parent / "validation" / RATINGS_FILE))
    known = known.encoded(movies.encode(known.movies))
    if len(known.users) > REFERENCE_USERS:
        chosen = np.random.default_rng(config.seed).choice(len(known.users), REFERENCE_USERS, replace=False)
        known = known.take(np.sort(chosen))
    held_out, histories = _loaded(holdout)
    relevant = with_relevant(held_out, config.data.relevant_rating)
    _expect_relevant(relevant, config)
    relevant = relevant.take(np.arange(min(len(relevant.users), REFERENCE_USERS)))
    given = histories.of_users(relevant.users)
    given = given.encoded(movies.encode(given.movies))
    found: dict[str, dict[str, float]] = {}
    for step, (name, make) in enumerate(BASELINES.items(), start=1):
        rows, coverage = reference_rows(make(known, len(movies)), given, relevant, movies)
        found[name] = {NDCG: float(rows[:, 0].mean()), RECALL: float(rows[:, 1].mean()), COVERAGE: coverage}
        progress(step / (len(BASELINES) + 1), f"baseline {name}")
    errors = average_ratings(known, movies, histories, held_out) - held_out.values
    found["averages"] = {"rmse": float(np.sqrt((errors**2).mean())), "mae": float(np.abs(errors).mean())}
    return found


def expected_ratings(recommender: Recommender, histories: Ratings, asked: Ratings) -> np.ndarray:
    """The rating expected for every row of `asked` (natural ids); the overall mean for a movie nobody knows."""
    movies = recommender.movies
    given = histories.of_users(asked.users)
    given = given.encoded(movies.encode(given.movies))
    indices = movies.encode(asked.movies)
    expected = np.full(len(asked), recommender.statistics.mean)
    rows = np.flatnonzero(indices >= 0)
    expected[rows] = recommender.expected(given, asked.row_of_value[rows], indices[rows])
    return expected


def reference_rows(score_of: Score, given: Ratings, relevant: Ratings, movies: Movies) -> tuple[np.ndarray, float]:
    """NDCG and recall per user [users, 2] of a baseline, and the share of the catalogue that it recommends.

    `given` holds movie indices, `relevant` natural ids.
    """
    best = []
    for block in blocks(len(given.users), len(movies)):
        some = given.take(np.arange(len(given.users))[block])
        scores = score_of(some)
        hide_rated(scores, some)
        best.extend(movies.ids[top_columns(scores, TOP)])
    return ranking(best, relevant, TOP), _coverage(best, len(movies))


def average_ratings(known: Ratings, movies: Movies, histories: Ratings, asked: Ratings) -> np.ndarray:
    """Mean + user's bias + movie's bias (float [n]) for every row of `asked`; only `known` holds movie indices."""
    none = Factors(values=np.empty((len(movies), 0), np.float32), norms=np.zeros(len(movies), np.float32))
    statistics = Statistics.of(known, len(movies), factors=none, size=0, temperature=1.0)
    describer = Describer(movies=movies, statistics=statistics)
    given = histories.of_users(asked.users)
    users = describer.user_biases(describer.profiles(given.encoded(movies.encode(given.movies))))
    biases = np.append(statistics.biases, 0.0)[movies.encode(asked.movies)]
    expected = statistics.mean + users[asked.row_of_value] + biases
    return np.asarray(np.clip(expected, statistics.worst, statistics.best))


def popularity(known: Ratings, movies: int) -> Score:
    """Scores every movie by how many have rated it, whoever asks."""
    counts = np.bincount(known.movies, minlength=movies).astype(np.float32)
    return lambda given: np.repeat(counts[None], len(given.users), axis=0)


def item_neighbours(known: Ratings, movies: int) -> Score:
    """Scores a movie by the sum of its cosines, over who rated it, with the movies that the user has rated."""
    table = _marks(known, movies)
    scaled = table / np.maximum(np.linalg.norm(table, axis=0), 1e-6)

    def score_of(given: Ratings) -> np.ndarray:
        # (x S) with S = scaled' scaled, never made: it has a row and a column for every movie.
        return np.asarray((_marks(given, movies) @ scaled.T) @ scaled)

    return score_of


def ease(known: Ratings, movies: int) -> Score:
    """EASE on who rated what, whatever the rating; see `factors`."""
    ones = np.ones(len(known), dtype=np.float32)
    factors: Factors = movie_factors(known, ones, movies, strength=EASE_STRENGTH, seed=0, most=KERNEL_USERS)
    weights = factors.weights
    return lambda given: np.asarray(given.sums(factors.values[given.movies]) @ weights.T)


BASELINES: dict[str, Callable[[Ratings, int], Score]] = {
    "popularity": popularity,
    "item-kNN": item_neighbours,
    "EASE": ease,
}


def _marks(ratings: Ratings, movies: int) -> np.ndarray:
    table = np.zeros((len(ratings.users), movies), dtype=np.float32)
    table[ratings.row_of_value, ratings.movies] = 1.0
    return table


def _loaded(holdout: Path) -> tuple[Ratings, Ratings]:
    return Ratings.load(holdout / RATINGS_FILE), Ratings.load(holdout / HISTORIES_FILE)


def _ranked(recommender: Recommender, histories: Ratings, relevant: Ratings) -> tuple[np.ndarray, float]:
    movies = recommender.movies
    found = recommender.recommend(histories.encoded(movies.encode(histories.movies)), TOP)
    best = [movies.ids[indices] for indices, _ in found]
    return ranking(best, relevant, TOP), _coverage(best, len(movies))


def _coverage(recommended: Sequence[np.ndarray], movies: int) -> float:
    return len(np.unique(np.concatenate(recommended))) / movies


def _expect_relevant(relevant: Ratings, config: Config) -> None:
    if len(relevant) == 0:
        raise JobFailed(
            f"Expected held-out ratings of at least {config.data.relevant_rating:g}, found none; set a lower "
            "data.relevant_rating."
        )
