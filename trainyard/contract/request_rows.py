"""What a row of a request may hold: recipes declare it, predictors check it, and the API description shows it."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from trainyard.contract.values import identifier
from trainyard.errors import BadRow

# Up to here a float is the whole number that was written, and no other.
EXACT = 2.0**53


def _whole(value: Any) -> Any:
    """1 for 1.0: a column of whole numbers with a gap in it is written in this way by pandas and others."""
    return int(value) if type(value) is float and value.is_integer() and abs(value) <= EXACT else value


# Of a field of whole numbers, after its bounds: `Annotated[int, Field(ge=1), WHOLE]`.
WHOLE = BeforeValidator(_whole)


def _key(value: Any) -> Any:
    return identifier(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else value


# A key of a user, a product or the like, of any kind, as text: 7, "7" and 7.0 are one key.
Key = Annotated[
    str,
    Field(min_length=1, max_length=500, json_schema_extra={"type": ["string", "integer"]}),
    BeforeValidator(_key),
]

# What pydantic found missing, by its name for it.
EXPECTED: Mapping[str, str] = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of 64 bits",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number that is finite",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "model_type": "an object",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "too_short": "at least {min_length} entries",
    "too_long": "at most {max_length} entries",
    "string_too_short": "at least {min_length} characters",
    "string_too_long": "at most {max_length} characters",
    "string_pattern_mismatch": "text that matches {pattern}",
}
BRANCHES = frozenset({"str", "int", "float", "bool"})

_shown = reprlib.Repr()
_shown.maxlevel, _shown.maxstring, _shown.maxother = 3, 60, 60


class Row(BaseModel):
    """A row; fields that are not declared, numbers that are not finite and types that only look alike are refused."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


AnyRow = TypeVar("AnyRow", bound=Row)


def checked(model: type[AnyRow], rows: Sequence[Any]) -> list[AnyRow]:
    """The rows as instances of `model`; raises BadRow with the first row and field that does not fit."""
    found = []
    for number, row in enumerate(rows):
        try:
            found.append(model.model_validate(row))
        except ValidationError as error:
            raise BadRow(number, _problem(model, error)) from None
    return found


def shown(value: Any) -> str:
    """A value as a short text, however long or deep it is."""
    return _shown.repr(value)


def _problem(model: type[Row], error: ValidationError) -> str:
    first: Any = error.errors(include_url=False)[0]
    kind, location, found = first["type"], first["loc"], shown(first["input"])
    place = _place(location)
    if kind == "extra_forbidden":
        known = f"only {_fields(model)}" if len(location) == 1 else f"no field {place}"
        return f"expected {known}; found {shown(location[-1])}."
    if kind == "model_type" and not place:
        return f"expected an object with {_fields(model)}, found {found}."
    if kind == "value_error":
        return f"{first['ctx']['error']}, found {found}."
    if kind == "missing":
        return f"expected a value in {place}, found none."
    wanted = EXPECTED.get(kind, str(first["msg"])).format(**first.get("ctx", {}))
    return f"expected {wanted} in {place}, found {found}."


def _place(location: Sequence[int | str]) -> str:
    """`ratings[2].movie_id` from what pydantic gives; names of a union's branches are no fields."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in location if part not in BRANCHES]
    return "".join(parts).removeprefix(".")


def _fields(model: type[Row]) -> str:
    names = [field.alias or name for name, field in model.model_fields.items()]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


@cache
def text_fields(model: type[Row]) -> frozenset[str]:
    """The fields that may hold text: there a cell of a table is taken as it is, elsewhere read as JSON."""
    properties: Mapping[str, Any] = model.model_json_schema().get("properties", {})
    return frozenset(name for name, schema in properties.items() if _may_be_text(schema))


def _may_be_text(schema: Mapping[str, Any]) -> bool:
    return "string" in (schema.get("type") or ()) or any(_may_be_text(each) for each in schema.get("anyOf", ()))
