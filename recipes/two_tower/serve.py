"""Answers requests for recommended movies, of known and of new users; runs in the training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recipes.two_tower.inference import Recommender
from recipes.two_tower.ratings import HISTORIES_FILE, Ratings
from recipes.two_tower.requests import Movie, Rating, Recommendation, RecommendationRequest, Titles, UserRequest
from recipes.two_tower.single_user import KnownHistories, SingleUserRecommender
from trainyard.contract.request_rows import checked
from trainyard.contract.routes import INVOCATIONS, Route
from trainyard.errors import BadRow


class Predictor:
    """Best movies of a model; `histories` are the ratings (natural ids) of the users it was trained on."""

    def __init__(self, recommender: Recommender, histories: Ratings) -> None:
        self.recommender, self.histories = recommender, histories
        self._single_user = SingleUserRecommender(recommender)
        self._known = KnownHistories(histories, recommender)
        movies = recommender.movies
        self._ids: list[int] = movies.ids.tolist()
        self._indices = {movie: index for index, movie in enumerate(self._ids)}
        self._genres = [list(movies.genres_of(index)) for index in range(len(movies))]

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Recommendation]:
        """One answer per row: `{"recommended": [{"movie_id", "title", "genres", "score", "rating"}, ...], ...}`.

        A row is `{"uid": 7}`, `{"ratings": [{"movie_id": 1, "rating": 4.5}, ...]}`, or both: what the user has rated
        since training; with `"count"`, 10 by default. `rating` is the expected rating, `rated` the number of ratings
        that the answer is based on. A user nobody knows, with few ratings or none, gets what most people like. Movies
        that the model does not know are ignored and listed under `unknown`. Raises BadRow for other rows.
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
        rating = {"movie_id": int(self.histories.movies[0]), "rating": self.recommender.statistics.max_rating}
        return [{"uid": int(self.histories.users[0])}, {"ratings": [rating], "count": 5}, {"ratings": [], "count": 3}]

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

    def _answer(self, user: int | None, ratings: Sequence[Rating], *, count: int, number: int) -> Recommendation:
        known, unknown = self._split_ratings(ratings, number)
        year = self.recommender.statistics.latest_year
        history = self._known.of_user(user).with_new_ratings(list(known), list(known.values()), year=year)
        movies, scores, expected = self._single_user.recommend(history, count)
        answer: Recommendation = {"recommended": self._movies(movies, scores, ratings=expected), "rated": 0}
        answer["rated"] = len(history.movies)
        if unknown:
            answer["unknown"] = unknown
        return answer

    def _split_ratings(self, ratings: Sequence[Rating], number: int) -> tuple[dict[int, float], list[int]]:
        """Ratings by the index of the movie, the last one of a movie, and the movies that the model does not know."""
        statistics = self.recommender.statistics
        known: dict[int, float] = {}
        # A list would be searched once more for every movie.
        unknown: dict[int, None] = {}
        for index, each in enumerate(ratings):
            if not statistics.min_rating <= each.rating <= statistics.max_rating:
                raise BadRow(
                    number,
                    f"expected a number from {statistics.min_rating:g} to {statistics.max_rating:g} in "
                    f"ratings[{index}].rating, found {each.rating!r}.",
                )
            movie = self._indices.get(each.movie_id)
            if movie is not None:
                known[movie] = each.rating
            else:
                unknown[each.movie_id] = None
        return known, list(unknown)

    def _movies(self, indices: Sequence[int], scores: Sequence[float], *, ratings: Sequence[float]) -> list[Movie]:
        titles = self.recommender.movies.titles
        return [
            {
                "movie_id": self._ids[index],
                "title": titles[index],
                "genres": self._genres[index],
                "score": score,
                "rating": rating,
            }
            for index, score, rating in zip(indices, scores, ratings, strict=True)
        ]


def load(model_dir: Path) -> Predictor:
    """The predictor of a model folder; takes a fraction of a second."""
    return Predictor(Recommender.load(model_dir), Ratings.load(model_dir / HISTORIES_FILE))
