"""Describes a route in OpenAPI's words: schemas and examples of rows, answers and refusals; runs in the service."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import TypeAdapter

from trainyard.contract.routes import Route
from trainyard.serving import formats, wire

REFUSALS = {
    400: "The body cannot be read, or has no row.",
    404: "The model does not know what is asked for.",
    406: "No format of Accept can be given.",
    413: "Too many bytes or rows, or an answer that takes too long.",
    415: "The format of the body is unknown.",
    422: "A row does not fit; the sentence names row and field.",
}
REFUSAL = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string"}},
    "example": {"error": "Row 0: expected a value in count that is ..."},
}


def described(route: Route, *, batch: bool) -> dict[str, Any]:
    """What FastAPI adds to the operation: parameters or body, answers, refusals."""
    answer = inlined(TypeAdapter(route.response).json_schema())
    example = plain(route.answer([route.example])[0])
    found: dict[str, Any] = {"responses": _responses(answer, example, batch=batch)}
    row = inlined(route.row.model_json_schema())
    if not batch:
        return found | {"parameters": _parameters(route, row)}
    instances = {"type": "object", "required": ["instances"], "properties": {"instances": _list(row)}}
    body = {"anyOf": [instances, _list(row), row]}
    rows: dict[str, Any] = {"schema": {"type": "string"}}
    content = {wire.JSON: {"schema": body, "examples": _examples(route.example)}}
    content[wire.LINES] = rows | {"example": orjson.dumps(dict(route.example)).decode() + "\n"}
    content[wire.TABLE] = rows | {"example": formats.encode([dict(route.example)], wire.TABLE, shape="list").decode()}
    return found | {"requestBody": {"required": True, "content": content}}


def plain(value: Any) -> Any:
    """What a value becomes on its way through JSON."""
    return orjson.loads(orjson.dumps(value))


def _responses(answer: Mapping[str, Any], example: Any, *, batch: bool) -> dict[str, Any]:
    predictions = {"type": "object", "required": ["predictions"], "properties": {"predictions": _list(answer)}}
    schema = {"anyOf": [predictions, _list(answer), answer]} if batch else answer
    refusals = {
        str(status): {"description": text, "content": {wire.JSON: {"schema": REFUSAL}}}
        for status, text in REFUSALS.items()
    }
    content = {wire.JSON: {"schema": schema, "example": {"predictions": [example]} if batch else example}}
    if batch:
        content |= {media: {"schema": {"type": "string"}} for media in (wire.LINES, wire.TABLE)}
    return {"200": {"description": "One answer per row, in the shape of the request.", "content": content}} | refusals


def _examples(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"rows": {"value": {"instances": [dict(row)]}}, "one": {"value": dict(row)}}


def _parameters(route: Route, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    in_path = set(re.findall(r"{(\w+)}", route.path))
    return [
        {
            "name": name,
            "in": "path" if name in in_path else "query",
            "required": name in in_path,
            "schema": schema,
            **({"example": route.example[name]} if name in route.example else {}),
        }
        for name, schema in row.get("properties", {}).items()
    ]


def _list(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": schema}


def inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with definitions written out where they are used, so that each part of it stands by itself."""
    definitions = schema.pop("$defs", {})

    def resolved(part: Any) -> Any:
        if isinstance(part, list):
            return [resolved(each) for each in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return resolved(definitions[part["$ref"].rpartition("/")[2]])
        return {name: resolved(each) for name, each in part.items()}

    found: dict[str, Any] = resolved(schema)
    return found
