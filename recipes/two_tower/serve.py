"""Answers requests for recommended movies, of known and of new users; runs in the training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from recipes.two_tower.histories import Histories
from recipes.two_tower.inference import Recommender
from recipes.two_tower.requests import Movie, Rating, Recommendation, RecommendationRequest, Titles, UserRequest
from recipes.two_tower.scale import INTERACTION
from recipes.two_tower.single_user import Best, KnownHistories, SingleUserRecommender
from trainyard.contract.request_rows import checked
from trainyard.contract.routes import INVOCATIONS, Route
from trainyard.contract.values import written
from trainyard.errors import BadRow

# What is best for a user whom the model knows stays the same until they rate anew: ten movies take a kilobyte.
KEPT_ANSWERS = 10_000


class Predictor:
    """Best movies of a model; `histories` are the ratings of the users it was trained on."""

    def __init__(self, recommender: Recommender, histories: Histories) -> None:
        self.recommender, self.histories = recommender, histories
        self._single_user = SingleUserRecommender(recommender)
        self._known = KnownHistories(histories, recommender)
        movies = recommender.movies
        self._ids = movies.written_ids
        self._numbered = isinstance(self._ids[0], int)
        self._best_of_known = lru_cache(KEPT_ANSWERS)(self._best)
        self._genres = [list(movies.genres_of(index)) for index in range(len(movies))]
        # What requests will need is made before the first one comes.
        self._single_user.recommend(self._known.of_row(None), 1)

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Recommendation]:
        """One answer per row: `{"recommended": [{"movie_id", "title", "genres", "score", "rating"}, ...], ...}`.

        A row is `{"uid": 7}`, `{"ratings": [{"movie_id": 1, "rating": 4.5}, ...]}`, or both: what the user has rated
        since training; with `"count"`, 10 by default. `rating` is the expected rating, `rated` the number of ratings
        that the answer is based on. A user nobody knows, with few ratings or none, gets what most people like. Movies
        that the model does not know are ignored and listed under `unknown`. A model of interactions neither needs nor
        gives a `rating`. Raises BadRow for other rows.
        """
        return [
            self._answer(row.uid, row.ratings or (), count=row.count, number=number)
            for number, row in enumerate(checked(RecommendationRequest, rows))
        ]

    def users(self, rows: Sequence[Mapping[str, Any]]) -> list[Recommendation]:
        """`predict` for rows with a user only."""
        return [
            self._answer(row.uid, (), count=row.count, number=number)
            for number, row in enumerate(checked(UserRequest, rows))
        ]

    def titles(self, rows: Sequence[Mapping[str, Any]]) -> list[Titles]:
        """Titles only, as the original service answers."""
        return [{"Recommended": [each["title"] for each in found["recommended"]]} for found in self.users(rows)]

    def examples(self) -> list[dict[str, Any]]:
        """Rows that this model can answer: a known user, one with a rating only, and a newcomer."""
        known, scale = self.histories.ratings, self.recommender.scale
        liked: dict[str, Any] = {"movie_id": self._ids[int(known.movies[0])]}
        if scale.rated:
            liked["rating"] = scale.highest
        user = self.histories.written_keys[int(known.users[0])]
        return [{"uid": user}, {"ratings": [liked], "count": 5}, {"ratings": [], "count": 3}]

    def routes(self) -> tuple[Route, ...]:
        """Movies for a user, by id or by ratings."""
        user, ratings, _ = self.examples()
        anybody = Route(
            path="/recommendations",
            summary="Movies for a user, by id, by ratings, or both.",
            row=RecommendationRequest,
            response=Recommendation,
            answer=self.predict,
            example=ratings,
        )
        known = Route(
            path="/users/{uid}/recommendations",
            method="GET",
            summary="Movies for a user by id.",
            row=UserRequest,
            response=Recommendation,
            answer=self.users,
            example=user,
        )
        titles = Route(
            path="/predict",
            summary="Titles for a user by id.",
            row=UserRequest,
            response=Titles,
            answer=self.titles,
            example=user,
        )
        return anybody.at(INVOCATIONS, example=user), known, anybody, titles

    def _answer(self, user: str | None, ratings: Sequence[Rating], *, count: int, number: int) -> Recommendation:
        known, unknown = self._split_ratings(ratings, number)
        if known:
            year = self.recommender.statistics.latest_year
            values = self.recommender.scale.normalised(np.asarray(list(known.values())))
            history = self._known.of_user(user).with_new_ratings(list(known), values, year=year)
            best, rated = self._single_user.recommend(history, count), len(history.movies)
        else:
            best, rated = self._best_of_known(self._known.row(user), count)
        answer: Recommendation = {"recommended": self._movies(best), "rated": rated}
        if unknown:
            answer["unknown"] = unknown
        return answer

    def _split_ratings(self, ratings: Sequence[Rating], number: int) -> tuple[dict[int, float], list[int | str]]:
        """Ratings by the index of the movie, the last one of a movie, and the movies that the model does not know."""
        indices = self.recommender.movies.indices
        known: dict[int, float] = {}
        # A list would be searched once more for every movie.
        unknown: dict[str, None] = {}
        for index, each in enumerate(ratings):
            value = self._value(each, f"ratings[{index}].rating", number=number)
            movie = indices.get(each.movie_id)
            if movie is not None:
                known[movie] = value
            else:
                unknown[each.movie_id] = None
        return known, [written(each) if self._numbered else each for each in unknown]

    def _value(self, given: Rating, place: str, *, number: int) -> float:
        """The rating that was given; of a model of interactions, what stands for one. Raises BadRow."""
        scale = self.recommender.scale
        if not scale.rated:
            return INTERACTION
        if given.rating is None or not scale.lowest <= given.rating <= scale.highest:
            found = "none" if given.rating is None else repr(given.rating)
            raise BadRow(
                number, f"expected a number from {scale.lowest:g} to {scale.highest:g} in {place}, found {found}."
            )
        return given.rating

    def _best(self, row: int | None, count: int) -> tuple[Best, int]:
        """The best movies of the known user in a row, or of a newcomer, and how many they have rated."""
        history = self._known.of_row(row)
        return self._single_user.recommend(history, count), len(history.movies)

    def _movies(self, best: Best) -> list[Movie]:
        indices, scores, ratings = best
        titles = self.recommender.movies.titles
        found: list[Movie] = [
            {"movie_id": self._ids[index], "title": titles[index], "genres": self._genres[index], "score": score}
            for index, score in zip(indices, scores, strict=True)
        ]
        for movie, rating in zip(found, ratings or (), strict=ratings is not None):
            movie["rating"] = rating
        return found


def load(model_dir: Path) -> Predictor:
    """The predictor of a model folder; takes a fraction of a second."""
    recommender = Recommender.load(model_dir)
    return Predictor(recommender, Histories.load(model_dir, recommender.movies))
