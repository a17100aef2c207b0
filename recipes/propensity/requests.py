"""What a caller sends and gets: visits and their propensity; the columns come from the model; in the training image."""

from __future__ import annotations

import math
from typing import Annotated, Any, NotRequired

from pydantic import BeforeValidator, Field, create_model, model_validator
from typing_extensions import TypedDict

from recipes.propensity.features import Encoder, number
from trainyard.contract.request_rows import Row
from trainyard.contract.values import is_missing, moment

# What a row may ask beside its columns, unless a column has that name.
EXPLAIN = "explain"


class Propensity(TypedDict):
    """The probability of a sale, and whether it reaches the threshold of the model.

    A row that asks to explain gets `reasons` too: what each column adds to the log odds of a `typical` propensity.
    """

    propensity: float
    likely: bool
    typical: NotRequired[float]
    reasons: NotRequired[dict[str, float]]


class Visit(Row):
    """A visit; a column that is missing or null counts as a missing value."""

    @model_validator(mode="after")
    def _some_column(self) -> Visit:
        if self.model_fields_set <= {EXPLAIN}:
            raise ValueError("expected at least one column of a visit")
        return self


def _number(value: Any) -> Any:
    """A number, also where text or yes and no say it; other values as they are."""
    if not isinstance(value, str | bool):
        return value
    found = number(value)
    return found if not math.isnan(found) else None if is_missing(value) else value


def _date(value: Any) -> Any:
    """A moment as text; other values as they are."""
    if value is None or is_missing(value):
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    if moment(value) is None:
        raise ValueError("expected a date such as 2026-01-31")
    return str(value)


Number = Annotated[float | None, BeforeValidator(_number)]
Date = Annotated[str | None, BeforeValidator(_date)]


def row_model(encoder: Encoder) -> type[Visit]:
    """What a row of this model may hold: its columns, numbers, categories and dates."""
    own = set(encoder.columns)
    kinds: list[tuple[str, Any]] = [(name, Number) for name in _numbers(encoder)]
    kinds += [(each.name, str | int | bool | float | None) for each in encoder.categories if each.name in own]
    kinds += [(each.name, Date) for each in encoder.dates]
    # Columns may be called what no Python name can be, so they are aliases.
    fields: dict[str, Any] = {
        _field(index): (kind, Field(default=None, alias=name, title=name)) for index, (name, kind) in enumerate(kinds)
    }
    if EXPLAIN not in own:
        fields[EXPLAIN] = (bool, Field(default=False, description="Whether to say what each column adds."))
    return create_model("VisitOfModel", __base__=Visit, **fields)


def number_fields(encoder: Encoder) -> list[tuple[str, str]]:
    """Columns of numbers, and the attributes of a `row_model` in which they are read already."""
    return [(name, _field(index)) for index, name in enumerate(_numbers(encoder))]


def _numbers(encoder: Encoder) -> list[str]:
    own = set(encoder.columns)
    return [each.name for each in encoder.quantities if each.name in own]


def _field(index: int) -> str:
    return f"column_{index}"
