"""The rows that requests to a tabular model consist of, made of its columns; training image."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import pandas as pd
from pydantic import BeforeValidator, Field, WithJsonSchema, create_model

from trainyard.contract import values
from trainyard.contract.request_rows import Row, checked
from trainyard.contract.tabular.features import Encoder


def _moment(value: Any) -> Any:
    """A moment without a zone, in UTC as in tables."""
    found = values.moment(value)
    if found is None:
        raise ValueError("expected a moment such as 2026-07-01T02:57:00 or 2026-07-01")
    return found.astimezone(UTC).replace(tzinfo=None)


def _text(value: Any) -> Any:
    return values.identifier(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _number(value: Any) -> Any:
    """A number also where text says it, as files do."""
    found = values.number(value) if isinstance(value, str) else None
    return value if found is None else found


def _flag(value: Any) -> Any:
    """Yes or no in the words of files, and as 1 and 0."""
    found = values.boolean(value) if isinstance(value, str | int | float) else None
    return value if found is None else found


def _given(value: Any) -> Any:
    """None for what files write where there is no value."""
    return None if isinstance(value, str) and values.is_missing(value) else value


Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string"})]
Text = Annotated[str, BeforeValidator(_text)]
Number = Annotated[float, BeforeValidator(_number)]
Flag = Annotated[bool, BeforeValidator(_flag)]
GIVEN = BeforeValidator(_given)


def row_class(encoder: Encoder) -> type[Row]:
    """A row with the columns that the model uses; each may be missing or null. Others of the table change nothing."""
    kinds: dict[str, Any] = dict.fromkeys(encoder.numbers, Number) | dict.fromkeys(encoder.flags, Flag)
    kinds |= dict.fromkeys(encoder.moments, Moment) | dict.fromkeys(encoder.categories, Text)
    # Columns may be called anything, fields of a class may not.
    fields: dict[str, Any] = {
        f"column_{place}": (Annotated[kinds[name] | None, GIVEN], Field(default=None, alias=name))
        for place, name in enumerate(encoder.columns)
    }
    fields |= {f"ignored_{place}": (Any, Field(default=None, alias=name)) for place, name in enumerate(encoder.ignored)}
    return create_model("TabularRow", __base__=Row, **fields)


def frame(encoder: Encoder, row: type[Row], *, rows: Sequence[Any]) -> pd.DataFrame:
    """The rows of a request as a table; raises BadRow for the first that is none."""
    found = [each.model_dump(by_alias=True) for each in checked(row, rows)]
    return pd.DataFrame(found, columns=list(encoder.columns))
