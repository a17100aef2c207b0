"""The trained model as numpy arrays: expected ratings and top tens from histories; train, evaluate, report, serve."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from recipes.two_tower.catalogue import Movies
from recipes.two_tower.features import BLOCK_RATINGS, Featurizer, Profiles
from recipes.two_tower.movie_statistics import MovieStatistics
from recipes.two_tower.ranking.interest import ratings_after
from recipes.two_tower.ranking.ranker import Ranker
from recipes.two_tower.ratings import Ratings
from recipes.two_tower.scale import SCALE_FILE, Scale
from recipes.two_tower.towers import Towers
from trainyard.contract.ranking import blocks, top_columns
from trainyard.errors import JobFailed

RATING_TOWERS_FILE = "rating_towers.npz"
RETRIEVAL_TOWERS_FILE = "retrieval_towers.npz"
OBJECTIVE_FILE = "objective.json"
TOP_K = 10
# Added to counts: a movie that nobody rated would have a popularity of minus infinity.
PSEUDO_COUNT = 0.5
# Ratings that what somebody gave of late needs before it counts for half.
LATE_SHRINKAGE = 20.0

ObjectiveName = Literal["retrieval", "rating"]


def log_popularity(statistics: MovieStatistics) -> np.ndarray:
    """Log of every movie's number of ratings (float32 [movies]), centred."""
    value = np.log(statistics.counts + PSEUDO_COUNT)
    return np.asarray(value - value.mean(), dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Recommender:
    """Both pairs of towers; `objective` says which of them orders recommendations.

    A model of interactions has no towers for ratings. Under the objective `retrieval`, the `ranker` orders what the
    towers retrieve; without one the towers' order stays. With `rating_steps`, expected ratings rise by what somebody's
    last ones were above those expected; one counts e times less after so many others.
    """

    movies: Movies
    scale: Scale
    statistics: MovieStatistics
    rating_towers: Towers | None
    retrieval_towers: Towers
    objective: ObjectiveName
    ranker: Ranker | None = None
    rating_steps: float | None = None

    @cached_property
    def featurizer(self) -> Featurizer:
        """Features of users and movies for retrieval."""
        return Featurizer(movies=self.movies, statistics=self.statistics)

    @cached_property
    def rating_featurizer(self) -> Featurizer:
        """Features of users and movies for ratings."""
        return Featurizer(movies=self.movies, statistics=self.statistics.without_factors())

    @cached_property
    def movie_vectors(self) -> np.ndarray:
        """The vectors of all movies under `objective` (float32 [movies, size]); `movie_offsets` go with them."""
        return self._retrieval_vectors if self.objective == "retrieval" else self.rating_vectors

    @cached_property
    def movie_offsets(self) -> np.ndarray:
        """What a movie scores with everybody (float32 [movies])."""
        if self.objective == "retrieval":
            return np.asarray(self.retrieval_towers.popularity * log_popularity(self.statistics))
        return np.asarray(self.statistics.mean + self.statistics.biases)

    def user_vectors(self, histories: Ratings) -> np.ndarray:
        """The vectors of users by their (encoded) histories under `objective` (float32 [users, size])."""
        if self.objective == "rating":
            return self._rating_user_vectors(self.rating_featurizer.profiles(histories))
        profiles = self.featurizer.profiles(histories)
        vectors = self.retrieval_towers.user(self.featurizer.user_features(profiles))
        return np.asarray(vectors + self.featurizer.user_base_vectors(profiles))

    def _rating_user_vectors(self, profiles: Profiles) -> np.ndarray:
        return self._required_rating_towers.user(self.rating_featurizer.user_features(profiles))

    @property
    def _required_rating_towers(self) -> Towers:
        if self.rating_towers is None:
            raise JobFailed("Expected a model of ratings, found one of interactions; train one on data with ratings.")
        return self.rating_towers

    def scores(self, histories: Ratings) -> np.ndarray:
        """How well each movie suits each user (float32 [users, movies]); higher is better, comparable within a row."""
        return np.asarray(self.user_vectors(histories) @ self.movie_vectors.T + self.movie_offsets)

    def expected_ratings(self, histories: Ratings, rows: np.ndarray, *, movies: np.ndarray) -> np.ndarray:
        """The rating (float64 [n]) that the user in each of `rows` of `histories` is expected to give to a movie index.

        On the scale of the data, and whatever the history, between the lowest and the highest rating of training.
        """
        profiles: Profiles = self.rating_featurizer.profiles(histories)
        users, biases = self._rating_user_vectors(profiles), self.rating_featurizer.user_biases(profiles)
        if self.rating_steps is not None:
            biases = biases + self._of_late(histories, users, biases=biases)
        found = self._by_towers(users[rows], movies, biases=biases[rows])
        return self.scale.natural(np.clip(found, self.statistics.min_rating, self.statistics.max_rating))

    def _by_towers(self, users: np.ndarray, movies: np.ndarray, *, biases: np.ndarray) -> np.ndarray:
        """Expected ratings (float [n]) from the users' vectors and biases, row by row."""
        base = self.statistics.mean + biases + self.statistics.biases[movies]
        return np.asarray(base + np.einsum("ij,ij->i", users, self.rating_vectors[movies]))

    def _of_late(self, histories: Ratings, users: np.ndarray, *, biases: np.ndarray) -> np.ndarray:
        """By how much each user's last ratings exceed what was expected, drawn towards 0 (float [users])."""
        found, first = [], 0
        for block in histories.blocks(BLOCK_RATINGS):
            rows = first + block.user_rows
            expected = self._by_towers(users[rows], block.movies, biases=biases[rows])
            weights = np.exp(-ratings_after(block) / self.rating_steps)
            sums = block.reduce_by_user(np.stack([weights * (block.values - expected), weights], axis=1))
            found.append(sums[:, 0] / (sums[:, 1] + LATE_SHRINKAGE))
            first += len(block.users)
        return np.concatenate(found) if found else np.zeros(0)

    def recommend(self, histories: Ratings, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Indices and scores of each user's `count` best movies that are not in the history, best first."""
        answers = []
        for block in blocks(len(histories.users), len(self.movies)):
            users = histories.take(np.arange(len(histories.users))[block])
            scores = self.scores(users)
            mask_rated(scores, users)
            for movies, found in zip(*self._ordered(scores, users, count=count), strict=True):
                shown = np.isfinite(found)
                answers.append((movies[shown], found[shown]))
        return answers

    def _ordered(self, scores: np.ndarray, users: Ratings, *, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Each user's best movies and their scores [users, count], best first, from the towers' `scores`."""
        if self.ranker is None or self.objective != "retrieval":
            best = top_columns(scores, count)
            return best, np.take_along_axis(scores, best, axis=1)
        retrieved = top_columns(scores, self.ranker.candidates(count))
        ranked = self.ranker.scores(scores, self.ranker.queries(users))
        found = np.take_along_axis(ranked, retrieved, axis=1)
        order = np.argsort(-found, axis=1, kind="stable")[:, :count]
        return np.take_along_axis(retrieved, order, axis=1), np.take_along_axis(found, order, axis=1)

    @cached_property
    def _retrieval_vectors(self) -> np.ndarray:
        features = self.featurizer.movie_features(np.arange(len(self.movies)))
        return np.asarray(self.retrieval_towers.movie(features) + self.statistics.base_vectors)

    @cached_property
    def rating_vectors(self) -> np.ndarray:
        """The vectors of all movies for expected ratings (float32 [movies, size])."""
        features = self.rating_featurizer.movie_features(np.arange(len(self.movies)))
        return self._required_rating_towers.movie(features)

    def save(self, directory: Path) -> None:
        self.movies.save(directory)
        self.scale.save(directory)
        self.statistics.save(directory)
        if self.rating_towers is not None:
            self.rating_towers.save(directory / RATING_TOWERS_FILE)
        self.retrieval_towers.save(directory / RETRIEVAL_TOWERS_FILE)
        if self.ranker is not None:
            self.ranker.save(directory)
        (directory / OBJECTIVE_FILE).write_text(
            json.dumps({"objective": self.objective, "rating_steps": self.rating_steps}), encoding="utf-8"
        )

    @classmethod
    def load(cls, directory: Path) -> Recommender:
        statistics, towers = MovieStatistics.load(directory), directory / RATING_TOWERS_FILE
        order = json.loads((directory / OBJECTIVE_FILE).read_text(encoding="utf-8"))
        return cls(
            movies=Movies.load(directory),
            scale=_scale(directory, statistics),
            statistics=statistics,
            rating_towers=Towers.load(towers) if towers.exists() else None,
            retrieval_towers=Towers.load(directory / RETRIEVAL_TOWERS_FILE),
            objective=order["objective"],
            # An earlier version had none.
            rating_steps=order.get("rating_steps"),
            ranker=Ranker.load(directory),
        )


def _scale(directory: Path, statistics: MovieStatistics) -> Scale:
    """The scale of a saved model; an earlier version computed on ratings as they were, and liked 4 or more."""
    if (directory / SCALE_FILE).exists():
        return Scale.load(directory)
    return Scale(rated=True, lowest=statistics.min_rating, highest=statistics.max_rating, relevant=4.0)


def mask_rated(scores: np.ndarray, histories: Ratings) -> None:
    """What a user has rated is no candidate: the array `scores` gets minus infinity there."""
    scores[histories.user_rows, histories.movies] = -np.inf
