"""A trained model as numpy arrays: expected ratings and top tens from histories; for train, evaluate, report, serve."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from recipes.two_tower.catalogue import Movies
from recipes.two_tower.features import Describer, Profiles
from recipes.two_tower.movie_statistics import Statistics
from recipes.two_tower.ratings import Ratings
from recipes.two_tower.towers import Towers
from trainyard.ranking import blocks, top_columns

RATING_FILE = "rating_towers.npz"
RETRIEVAL_FILE = "retrieval_towers.npz"
OBJECTIVE_FILE = "objective.json"
TOP = 10
# Without a floor, a movie that nobody rated would have a popularity of minus infinity.
POPULARITY_FLOOR = 0.5

Objective = Literal["retrieval", "rating"]


def log_popularity(statistics: Statistics) -> np.ndarray:
    """Log of every movie's number of ratings (float32 [movies]), centred."""
    value = np.log(statistics.counts + POPULARITY_FLOOR)
    return np.asarray(value - value.mean(), dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Recommender:
    """Both pairs of towers; `objective` says which of them orders recommendations."""

    movies: Movies
    statistics: Statistics
    rating: Towers
    retrieval: Towers
    objective: Objective

    @cached_property
    def describer(self) -> Describer:
        """Describes users and movies for retrieval."""
        return Describer(movies=self.movies, statistics=self.statistics)

    @cached_property
    def rating_describer(self) -> Describer:
        """Describes users and movies for ratings."""
        return Describer(movies=self.movies, statistics=self.statistics.without_factors())

    @cached_property
    def movie_vectors(self) -> np.ndarray:
        """The vectors of all movies under `objective` (float32 [movies, size]); `movie_offsets` go with them."""
        return self._retrieval_vectors if self.objective == "retrieval" else self.rating_vectors

    @cached_property
    def movie_offsets(self) -> np.ndarray:
        """What a movie scores with everybody (float32 [movies])."""
        if self.objective == "retrieval":
            return np.asarray(self.retrieval.popularity * log_popularity(self.statistics))
        return np.asarray(self.statistics.mean + self.statistics.biases)

    def user_vectors(self, histories: Ratings) -> np.ndarray:
        """The vectors of users by their histories (movie indices) under `objective` (float32 [users, size])."""
        if self.objective == "rating":
            return self.rating.user(self.rating_describer.user_inputs(self.rating_describer.profiles(histories)))
        profiles = self.describer.profiles(histories)
        return np.asarray(
            self.retrieval.user(self.describer.user_inputs(profiles)) + self.describer.user_starts(profiles)
        )

    def scores(self, histories: Ratings) -> np.ndarray:
        """How well each movie suits each user (float32 [users, movies]); higher is better, comparable within a row."""
        return np.asarray(self.user_vectors(histories) @ self.movie_vectors.T + self.movie_offsets)

    def expected(self, histories: Ratings, rows: np.ndarray, movies: np.ndarray) -> np.ndarray:
        """The rating (float32 [n]) that the user in each of `rows` of `histories` is expected to give to a movie index.

        Whatever the history, within the worst and the best rating of the training data.
        """
        describer = self.rating_describer
        profiles: Profiles = describer.profiles(histories)
        users = self.rating.user(describer.user_inputs(profiles))
        base = self.statistics.mean + describer.user_biases(profiles)[rows] + self.statistics.biases[movies]
        found = base + np.einsum("ij,ij->i", users[rows], self.rating_vectors[movies])
        return np.asarray(np.clip(found, self.statistics.worst, self.statistics.best))

    def recommend(self, histories: Ratings, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Indices and scores of each user's `count` best movies that are not in the history, best first."""
        answers = []
        for block in blocks(len(histories.users), len(self.movies)):
            some = histories.take(np.arange(len(histories.users))[block])
            scores = self.scores(some)
            hide_rated(scores, some)
            for row, best in enumerate(top_columns(scores, count)):
                shown = best[np.isfinite(scores[row, best])]
                answers.append((shown, scores[row, shown]))
        return answers

    @cached_property
    def _retrieval_vectors(self) -> np.ndarray:
        inputs = self.describer.movie_inputs(np.arange(len(self.movies)))
        return np.asarray(self.retrieval.movie(inputs) + self.statistics.starts)

    @cached_property
    def rating_vectors(self) -> np.ndarray:
        """The vectors of all movies for expected ratings (float32 [movies, size])."""
        return self.rating.movie(self.rating_describer.movie_inputs(np.arange(len(self.movies))))

    def save(self, directory: Path) -> None:
        self.movies.save(directory)
        self.statistics.save(directory)
        self.rating.save(directory / RATING_FILE)
        self.retrieval.save(directory / RETRIEVAL_FILE)
        (directory / OBJECTIVE_FILE).write_text(json.dumps({"objective": self.objective}), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Recommender:
        return cls(
            movies=Movies.load(directory),
            statistics=Statistics.load(directory),
            rating=Towers.load(directory / RATING_FILE),
            retrieval=Towers.load(directory / RETRIEVAL_FILE),
            objective=json.loads((directory / OBJECTIVE_FILE).read_text(encoding="utf-8"))["objective"],
        )


def hide_rated(scores: np.ndarray, histories: Ratings) -> None:
    """What a user has rated is no candidate: its scores become minus infinity, in place."""
    scores[histories.row_of_value, histories.movies] = -np.inf
