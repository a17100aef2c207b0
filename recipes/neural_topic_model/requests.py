"""What a caller sends and gets: a review and its topics; runs in the training image."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from trainyard.contract.request_rows import WHOLE, Row

Text = Annotated[str, Field(max_length=100_000)]


class Review(Row):
    """A review as it was written; the answer has at most `count` topics."""

    text: Text
    title: Text | None = None
    count: Annotated[int, Field(ge=1, le=50, description="topics in the answer"), WHOLE] = 3


class NoFields(Row):
    """A request without fields."""


class Topic(TypedDict):
    """A topic and its first words."""

    topic: int
    name: str
    words: list[str]


class TopicShare(Topic):
    """A topic and its share of a text."""

    share: float


class TopicMixture(TypedDict):
    """The strongest topics of a text; `known_words` are the different words of it that the model knows."""

    topics: list[TopicShare]
    known_words: int
