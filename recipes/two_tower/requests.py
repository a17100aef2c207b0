"""What a caller sends and gets: a user, ratings, and movies for them; runs in the training image."""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import Field, model_validator
from typing_extensions import TypedDict

from trainyard.contract.request_rows import WHOLE, Key, Row

Count = Annotated[int, Field(ge=1, le=1000, description="movies in the answer"), WHOLE]


class Rating(Row):
    """A rating of a movie, on the scale of the training data; a model of interactions needs no number."""

    movie_id: Key
    rating: float | None = None


class RecommendationRequest(Row):
    """A known user, ratings given since training or by somebody new, or both; the list of ratings may be empty."""

    uid: Key | None = None
    ratings: Annotated[list[Rating], Field(max_length=10_000)] | None = None
    count: Count = 10

    @model_validator(mode="after")
    def _somebody(self) -> RecommendationRequest:
        if self.uid is None and self.ratings is None:
            raise ValueError("expected uid or ratings")
        return self


class UserRequest(Row):
    """A user, known or not."""

    uid: Key
    count: Count = 10


class Movie(TypedDict):
    """A movie; `score` orders it, `rating` is what the user is expected to give, where there are ratings.

    `movie_id` is a number where the keys of all movies are, else text.
    """

    movie_id: int | str
    title: str
    genres: list[str]
    score: float
    rating: NotRequired[float]


class Recommendation(TypedDict):
    """Movies, best first, the number of ratings they are based on, and the movies nobody knows."""

    recommended: list[Movie]
    rated: int
    unknown: NotRequired[list[int | str]]


class Titles(TypedDict):
    """Titles of movies, best first."""

    Recommended: list[str]
