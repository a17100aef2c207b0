"""What a caller sends and gets: a headline and its class; runs in the training image."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from trainyard.contract.request_rows import Row


class Headline(Row):
    """A headline as it was written, not only spaces; what stands below it, its address and its publisher are optional.

    They count where the model learned from them.
    """

    title: Annotated[str, Field(min_length=1, max_length=10_000, pattern=r"\S")]
    description: Annotated[str, Field(max_length=10_000)] | None = None
    url: Annotated[str, Field(max_length=2_000)] | None = None
    publisher: Annotated[str, Field(max_length=2_000)] | None = None


class Classification(TypedDict):
    """The likeliest class, its name, and the probability of each class."""

    category: str
    name: str
    probabilities: dict[str, float]
