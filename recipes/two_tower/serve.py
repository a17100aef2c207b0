"""Answers requests for recommended movies, of known and of new users; runs in the training image, no TensorFlow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recipes.two_tower.movie_statistics import SECONDS_PER_YEAR
from recipes.two_tower.process import HISTORIES_FILE
from recipes.two_tower.ratings import Ratings
from recipes.two_tower.recommender import Recommender
from trainyard.errors import BadRequest

DEFAULT_COUNT = 10
MAX_COUNT = 1000
MAX_RATINGS = 10_000
FIELDS = ("uid", "ratings", "count")


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """Exact best movies of a model; `histories` are the ratings (natural ids) of the users it was trained on."""

    recommender: Recommender
    histories: Ratings

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """One answer per row: `{"recommended": [{"movie_id", "title", "genres", "score", "rating"}, ...], ...}`.

        A row is `{"uid": 7}`, `{"ratings": [{"movie_id": 1, "rating": 4.5}, ...]}`, or both: what the user has rated
        since training; with `"count"`, 10 by default. `rating` is the expected rating, `rated` the number of ratings
        that the answer is based on. A user nobody knows, with few ratings or none, gets what most people like. Movies
        that the model does not know are ignored and listed under `unknown`. Raises BadRequest for other rows.
        """
        return [self._answer(row, number) for number, row in enumerate(rows)]

    def _answer(self, row: Mapping[str, Any], number: int) -> dict[str, Any]:
        if not isinstance(row, Mapping) or not ({"uid", "ratings"} & set(row)):
            raise BadRequest(f'Row {number}: expected an object with "uid" or "ratings", found {row!r:.100}.')
        unexpected = sorted(set(row) - set(FIELDS), key=str)
        if unexpected:
            raise BadRequest(f"Row {number}: expected {', '.join(FIELDS)}; found {unexpected[0]!r:.60}.")
        count = row.get("count", DEFAULT_COUNT)
        if not _whole(count) or not 1 <= count <= MAX_COUNT:
            raise BadRequest(f"Row {number}: expected count from 1 to {MAX_COUNT}, found {count!r:.60}.")
        if "uid" in row and not _whole(row["uid"]):
            raise BadRequest(f"Row {number}: expected a whole number as uid, found {row['uid']!r:.60}.")
        history, unknown = self._history(row, number)
        answer = {"recommended": self._best(history, count), "rated": len(history)}
        return {**answer, **({"unknown": unknown} if unknown else {})}

    def _history(self, row: Mapping[str, Any], number: int) -> tuple[Ratings, list[int]]:
        """Known and given ratings in movie indices, a given one in place of a known one, and the unknown movies."""
        given = _given(row.get("ratings", []), number, self.recommender)
        known = self.histories.of_users(np.asarray([row.get("uid", 0)], dtype=np.int64))
        if "uid" not in row:
            known = known.kept(np.zeros(len(known), dtype=bool))
        fresh = np.asarray(list(given), dtype=np.int64)
        known = known.kept(~np.isin(known.movies, fresh))
        now = np.full(len(given), self.recommender.statistics.now * SECONDS_PER_YEAR)
        history = Ratings(
            users=known.users,
            offsets=np.asarray([0, len(known) + len(given)]),
            movies=np.concatenate([known.movies, fresh]),
            values=np.concatenate([known.values, np.asarray(list(given.values()), dtype=np.float32)]),
            times=np.concatenate([known.times, now]),
        )
        indices = self.recommender.movies.encode(history.movies)
        unknown = [each for each in given if self.recommender.movies.encode(np.asarray([each]))[0] < 0]
        return history.encoded(indices), unknown

    def _best(self, history: Ratings, count: int) -> list[dict[str, Any]]:
        recommender = self.recommender
        indices, scores = recommender.recommend(history, count)[0]
        expected = recommender.expected(history, np.zeros(len(indices), dtype=np.int64), indices)
        return [
            {
                "movie_id": int(recommender.movies.ids[index]),
                "title": recommender.movies.titles[index],
                "genres": list(recommender.movies.genres_of(index)),
                "score": float(score),
                "rating": round(float(rating), 2),
            }
            for index, score, rating in zip(indices.tolist(), scores, expected, strict=True)
        ]


def load(model_dir: Path) -> Predictor:
    """The predictor of a model folder; takes a fraction of a second."""
    return Predictor(recommender=Recommender.load(model_dir), histories=Ratings.load(model_dir / HISTORIES_FILE))


def _given(ratings: Any, number: int, recommender: Recommender) -> dict[int, float]:
    if not isinstance(ratings, list) or len(ratings) > MAX_RATINGS:
        raise BadRequest(f"Row {number}: expected a list of at most {MAX_RATINGS} ratings, found {ratings!r:.60}.")
    worst, best = recommender.statistics.worst, recommender.statistics.best
    found: dict[int, float] = {}
    for each in ratings:
        valid = isinstance(each, Mapping) and set(each) == {"movie_id", "rating"} and _whole(each["movie_id"])
        if not valid or not _number(each["rating"]) or not worst <= each["rating"] <= best:
            raise BadRequest(
                f'Row {number}: expected ratings from {worst:g} to {best:g}: {{"movie_id": 1, "rating": {best:g}}}, '
                f"found {each!r:.100}."
            )
        found[each["movie_id"]] = float(each["rating"])
    return found


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
