"""Simple recommenders and rating averages that models are compared with; runs in the training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from recipes.two_tower.catalogue import Movies
from recipes.two_tower.features import Featurizer
from recipes.two_tower.inference import TOP_K, mask_rated
from recipes.two_tower.movie_statistics import MovieStatistics
from recipes.two_tower.ranking.ease import MAX_KERNEL, EaseFactors, ease_factors
from recipes.two_tower.ranking.interest import Interest
from recipes.two_tower.ratings import Ratings
from trainyard.contract.ranking import blocks, top_columns

EASE_L2 = 400.0

# Scores [users, movies] of (encoded) histories, higher is better.
Scorer = Callable[[Ratings], np.ndarray]


def recommend(scorer: Scorer, histories: Ratings, *, movies: int) -> list[np.ndarray]:
    """Indices of each user's `TOP_K` movies with the highest scores that are not in the history, best first."""
    best: list[np.ndarray] = []
    for block in blocks(len(histories.users), movies):
        users = histories.take(np.arange(len(histories.users))[block])
        scores = scorer(users)
        mask_rated(scores, users)
        best.extend(top_columns(scores, TOP_K))
    return best


def bias_baseline(known: Ratings, movies: Movies, *, histories: Ratings, asked: Ratings) -> np.ndarray:
    """Mean + user's bias + movie's bias (float [n]), as models compute, for every row of `asked`."""
    none = EaseFactors(encoder=np.empty((len(movies), 0), np.float32), squared_norms=np.zeros(len(movies), np.float32))
    statistics = MovieStatistics.from_ratings(
        known, len(movies), factors=none, interest=Interest(), size=0, temperature=1.0
    )
    featurizer = Featurizer(movies=movies, statistics=statistics)
    users = featurizer.user_biases(featurizer.profiles(histories.of_users(asked.users)))
    expected = statistics.mean + users[asked.user_rows] + statistics.biases[asked.movies]
    return np.asarray(np.clip(expected, statistics.min_rating, statistics.max_rating))


def popularity(known: Ratings, movies: int) -> Scorer:
    """Scores every movie by how many have rated it, whoever asks."""
    counts = np.bincount(known.movies, minlength=movies).astype(np.float32)
    return lambda histories: np.repeat(counts[None], len(histories.users), axis=0)


def item_knn(known: Ratings, movies: int) -> Scorer:
    """Scores a movie by the sum of its cosines, over who rated it, with the movies that the user has rated."""
    matrix = _interactions(known, movies)
    counts = np.maximum(matrix.getnnz(axis=0), 1)
    scaled = (matrix @ sparse.diags_array(1.0 / np.sqrt(counts), dtype=np.float32)).tocsr()

    def scorer(histories: Ratings) -> np.ndarray:
        # (x S) with S = scaled' scaled, never made: it has a row and a column for every movie.
        return np.asarray(((_interactions(histories, movies) @ scaled.T) @ scaled).toarray())

    return scorer


def ease(known: Ratings, movies: int) -> Scorer:
    """EASE on who rated what, whatever the rating; see module `ease`."""
    ones = np.ones(len(known), dtype=np.float32)
    factors = ease_factors(known, ones, movies=movies, l2=EASE_L2, seed=0, max_factors=MAX_KERNEL)
    decoder = factors.decoder
    return lambda histories: np.asarray(histories.reduce_by_user(factors.encoder[histories.movies]) @ decoder.T)


RANKING_BASELINES: dict[str, Callable[[Ratings, int], Scorer]] = {
    "popularity": popularity,
    "item-kNN": item_knn,
    "EASE": ease,
}


def _interactions(ratings: Ratings, movies: int) -> sparse.csr_matrix:
    """1.0 where a user rated a movie (float32 [users, movies])."""
    ones = np.ones(len(ratings), dtype=np.float32)
    return sparse.csr_matrix((ones, ratings.movies, ratings.offsets), shape=(len(ratings.users), movies))
