"""What a caller sends and gets: products, baskets and what goes with them; runs in the training image."""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import Field, model_validator
from typing_extensions import TypedDict

from trainyard.contract.request_rows import WHOLE, Key, Row

Count = Annotated[int, Field(ge=1, le=1000, description="products in the answer"), WHOLE]
Ids = Annotated[list[Key], Field(max_length=1000, description="in cart order, the latest last; may be empty")]


class Similar(Row):
    """Products like one product."""

    product_id: Key
    count: Count = 10


class Basket(Row):
    """Products that go with those of a basket."""

    basket: Ids
    count: Count = 10


class ProductOrBasket(Row):
    """Products like one product, or products that go with a basket."""

    product_id: Key | None = None
    basket: Ids | None = None
    count: Count = 10

    @model_validator(mode="after")
    def _exactly_one(self) -> ProductOrBasket:
        if (self.product_id is None) == (self.basket is None):
            raise ValueError("expected either product_id or basket")
        return self


class Product(TypedDict):
    """A product; `score` is its cosine, the model's score for the basket, or its share of purchases for an empty one.

    Ids are numbers where all of the model are, else text.
    """

    product_id: int | str
    product_name: str
    score: float


class Products(TypedDict):
    """Products, best first, and the products of the basket that the model does not know."""

    products: list[Product]
    unknown: NotRequired[list[int | str]]
