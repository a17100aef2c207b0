"""Forms for calling a model: fields by the JSON schema of a row, and the row that a filled form means; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trainyard.errors import BadRequest

INVOCATIONS = "/invocations"
# Fields of a row may be called as anything else in the form is.
PREFIX = "field."
NUMBERS = {"integer", "number"}
# The service reads a longer whole number as a float, and one of 400 digits not at all.
MOST_BITS = 63
# Of an example that a sentence shows.
SHORT = 80


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field of a row. `kind` is how it is asked for: `text`, `number`, `choice` or `json`.

    A key or a category may be text or a number: where it `may_be_number`, one that looks like a number is one; it stays
    text where the example is text.
    """

    name: str
    kind: str
    value: str
    help: str = ""
    required: bool = False
    choices: Sequence[str] = ()
    may_be_number: bool = False

    @property
    def key(self) -> str:
        """What the form calls it."""
        return f"{PREFIX}{self.name}"

    def parsed(self, text: str) -> Any:
        """The value that a text means. Raises BadRequest."""
        try:
            found = json.loads(text)
            # Python reads and makes NaN and Infinity, which are no JSON.
            json.dumps(found, allow_nan=False)
            if isinstance(found, int) and found.bit_length() > MOST_BITS:
                raise ValueError
        except (ValueError, RecursionError) as error:
            if self.kind == "text":
                return text
            example = f"JSON such as {self.value}" if 0 < len(self.value) <= SHORT else "JSON"
            wanted = {"number": "a number", "choice": "true or false"}.get(self.kind, example)
            raise BadRequest(f"Expected {wanted} in {self.name}, found {text!r:.60}.") from error
        is_number = isinstance(found, int | float) and not isinstance(found, bool)
        return text if self.kind == "text" and not (self.may_be_number and is_number) else found


@dataclass(frozen=True, kw_only=True)
class Form:
    """One way to call the model, and a row that it can answer; its endpoint has only those that are `invocable`."""

    path: str
    method: str
    summary: str
    example: Mapping[str, Any]
    fields: Sequence[Field]
    invocable: bool = True

    def row(self, given: Mapping[str, str]) -> dict[str, Any]:
        """The row that a filled form means; a field that is left empty is left out. Raises BadRequest."""
        filled = [(each, given.get(each.key, "")) for each in self.fields]
        return {each.name: each.parsed(text) for each, text in filled if text.strip()}

    def filled(self, given: Mapping[str, str]) -> list[Field]:
        """The fields with what somebody wrote into them."""
        return [replace(each, value=given.get(each.key, "")) for each in self.fields]


def of_routes(routes: Sequence[Mapping[str, Any]]) -> list[Form]:
    """A form per route that was kept with a model; `/invocations` comes last, for others say more of what they do."""
    found = [
        Form(
            path=str(each["path"]),
            method=str(each["method"]),
            summary=str(each["summary"]),
            example=each["example"],
            fields=_fields(each["row"], each["example"]),
            invocable=bool(each["invocable"]),
        )
        for each in routes
    ]
    return sorted(found, key=lambda each: each.path == INVOCATIONS)


def of_example(row: Mapping[str, Any]) -> Form:
    """The form of a model that kept no routes: fields as in a row that it can answer."""
    schema = {"properties": {name: {"type": _type(value)} for name, value in row.items()}}
    fields = _fields(schema, row)
    return Form(path=INVOCATIONS, method="POST", summary="As in its examples.", example=row, fields=fields)


def _fields(schema: Mapping[str, Any], example: Mapping[str, Any]) -> list[Field]:
    required = schema.get("required", ())
    return [
        _field(name, part, value=example.get(name), required=name in required)
        for name, part in schema.get("properties", {}).items()
    ]


def _field(name: str, schema: Mapping[str, Any], *, value: Any, required: bool) -> Field:
    types = _types(schema)
    choices = ["true", "false"] if types == {"boolean"} else [str(each) for each in schema.get("enum", ())]
    shown = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text_or_number = "text" if "string" in types else "number" if types & NUMBERS else "json"
    return Field(
        name=name,
        kind="choice" if types == {"boolean"} else text_or_number,
        value=shown,
        help=_help(schema),
        required=required,
        choices=choices,
        may_be_number=bool(types & NUMBERS) and not isinstance(value, str),
    )


def _help(schema: Mapping[str, Any]) -> str:
    """What is said of a field, or of the kind of value that it may have."""
    said = (each.get("description", "") for each in (schema, *schema.get("anyOf", ())))
    return next((str(each) for each in said if each), "")


def _types(schema: Mapping[str, Any]) -> set[str]:
    """The types that a value may have, that of nothing left out."""
    given = schema.get("type", ())
    found = {given} if isinstance(given, str) else set(given)
    for each in schema.get("anyOf", ()):
        found |= _types(each)
    return found - {"null"}


def _type(value: Any) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "array" if isinstance(value, list) else "object"
