"""Answers requests for recommended movies, of known and of new users; runs in the training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recipes.two_tower.ratings import HISTORIES_FILE, Ratings
from recipes.two_tower.recommender import Recommender
from recipes.two_tower.requests import Movie, Rated, Recommendation, Titles, User, Visitor
from recipes.two_tower.visitor import Finder, Histories
from trainyard.errors import BadRow
from trainyard.serving.routes import INVOCATIONS, Route
from trainyard.serving.rows import checked


class Predictor:
    """Best movies of a model; `histories` are the ratings (natural ids) of the users it was trained on."""

    def __init__(self, recommender: Recommender, histories: Ratings) -> None:
        self.recommender, self.histories = recommender, histories
        self._finder = Finder(recommender)
        self._known = Histories(histories, recommender)
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
            self._answer(row.uid, row.ratings or (), row.count, number)
            for number, row in enumerate(checked(Visitor, rows))
        ]

    def users(self, rows: Sequence[Mapping[str, Any]]) -> list[Recommendation]:
        """`predict` for rows with a user only."""
        return [self._answer(row.uid, (), row.count, number) for number, row in enumerate(checked(User, rows))]

    def titles(self, rows: Sequence[Mapping[str, Any]]) -> list[Titles]:
        """Titles only, as the original service answers."""
        return [{"Recommended": [each["title"] for each in found["recommended"]]} for found in self.users(rows)]

    def examples(self) -> list[dict[str, Any]]:
        """Rows that this model can answer: a known user, one with a rating only, and a stranger."""
        rating = {"movie_id": int(self.histories.movies[0]), "rating": self.recommender.statistics.best}
        return [{"uid": int(self.histories.users[0])}, {"ratings": [rating], "count": 5}, {"ratings": [], "count": 3}]

    def routes(self) -> tuple[Route, ...]:
        """Movies for a user, by id or by ratings."""
        user, ratings, _ = self.examples()
        anybody = Route(
            path="/recommendations",
            summary="Movies for a user, by id, by ratings, or both.",
            row=Visitor,
            response=Recommendation,
            answer=self.predict,
            example=ratings,
        )
        known = Route(
            path="/users/{uid}/recommendations",
            method="GET",
            summary="Movies for a user by id.",
            row=User,
            response=Recommendation,
            answer=self.users,
            example=user,
        )
        titles = Route(
            path="/predict",
            summary="Titles for a user by id.",
            row=User,
            response=Titles,
            answer=self.titles,
            example=user,
        )
        return anybody.at(INVOCATIONS, example=user), known, anybody, titles

    def _answer(self, user: int | None, ratings: Sequence[Rated], count: int, number: int) -> Recommendation:
        known, unknown = self._given(ratings, number)
        history = self._known.of(user)
        now = self.recommender.statistics.now
        history = history.with_given(list(known), list(known.values()), now)
        answer: Recommendation = {"recommended": self._movies(*self._finder.best(history, count)), "rated": 0}
        answer["rated"] = len(history.movies)
        if unknown:
            answer["unknown"] = unknown
        return answer

    def _given(self, ratings: Sequence[Rated], number: int) -> tuple[dict[int, float], list[int]]:
        """Ratings by the index of the movie, the last one of a movie, and the movies that the model does not know."""
        worst, best = self.recommender.statistics.worst, self.recommender.statistics.best
        known: dict[int, float] = {}
        unknown: list[int] = []
        for place, each in enumerate(ratings):
            if not worst <= each.rating <= best:
                raise BadRow(
                    number,
                    f"expected a number from {worst:g} to {best:g} in ratings[{place}].rating, found {each.rating!r}.",
                )
            index = self._indices.get(each.movie_id)
            if index is not None:
                known[index] = each.rating
            elif each.movie_id not in unknown:
                unknown.append(each.movie_id)
        return known, unknown

    def _movies(self, indices: Sequence[int], scores: Sequence[float], ratings: Sequence[float]) -> list[Movie]:
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
