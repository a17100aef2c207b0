"""What a caller sends and gets: visits and their propensity; the columns come from the model; in the training image."""

from __future__ import annotations

from typing import Any

from pydantic import Field, create_model, model_validator
from typing_extensions import TypedDict

from recipes.propensity.features import Encoder
from trainyard.contract.request_rows import Row


class Propensity(TypedDict):
    """The probability of a sale, and whether it reaches the threshold of the model."""

    propensity: float
    likely: bool


class Visit(Row):
    """A visit; a column that is missing or null counts as a missing value."""

    @model_validator(mode="after")
    def _some_column(self) -> Visit:
        if not self.model_fields_set:
            raise ValueError("expected at least one column of a visit")
        return self


def row_model(encoder: Encoder) -> type[Visit]:
    """What a row of this model may hold: its columns, numbers and categories."""
    kinds: list[tuple[str, Any]] = [(each.name, float | None) for each in encoder.quantities]
    kinds += [(each.name, str | int | bool | None) for each in encoder.categories]
    # Columns may be called what no Python name can be, so they are aliases.
    fields: dict[str, Any] = {
        f"column_{index}": (kind, Field(default=None, alias=name, title=name))
        for index, (name, kind) in enumerate(kinds)
    }
    return create_model("VisitOfModel", __base__=Visit, **fields)
