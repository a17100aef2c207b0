"""What the HTTP API checks of a request before a model is asked: recipe, content type, size, and the shape of rows.

An HTTP API cannot check bodies itself. What is in the rows is checked by the model, whose own sentence the caller gets.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from trainyard.contract.config import MODEL_NAME, MODEL_RULE
from trainyard.errors import Refused
from trainyard.run import recipe
from trainyard.run.naming import model_name
from trainyard.serving import encodings, inference_id
from trainyard.serving.negotiation import content_type
from trainyard.serving.wire import FUNCTION_BYTES, JSON, MEDIA, TABLE

VARIANT = re.compile(r"[a-z0-9](-?[a-z0-9]){0,40}")


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request that may be passed on; `model` is what the model's endpoint is named after.

    `inference_id` is what the caller calls the request, empty for nothing.
    """

    model: str
    body: bytes
    media: str
    accept: str
    inference_id: str = ""


def call_of(event: Mapping[str, Any]) -> Call:
    """The call in an event of an HTTP API (payload 2.0). Raises Refused."""
    name = (event.get("pathParameters") or {}).get("recipe", "")
    query = event.get("queryStringParameters") or {}
    model = _model(name, variant=query.get("variant", ""), model=query.get("model", ""))
    headers: Mapping[str, str] = event.get("headers") or {}
    media = _media(headers.get("content-type", ""))
    body = _body(event, packed=encodings.packed(headers.get("content-encoding", "")))
    _check_shape(body, media)
    name = headers.get(inference_id.HEADER, "")
    return Call(
        model=model,
        body=body,
        media=media,
        accept=headers.get("accept") or "*/*",
        inference_id=inference_id.checked(name) if name else "",
    )


def _model(name: str, *, variant: str, model: str) -> str:
    if name not in recipe.names():
        raise Refused(404, f"Expected one of the recipes {', '.join(recipe.names())}; found {name!r:.60}.")
    if variant and not VARIANT.fullmatch(variant):
        raise Refused(400, f"Expected a variant such as product-3, found {variant!r:.60}.")
    if model and not MODEL_NAME.fullmatch(model):
        raise Refused(400, f"Expected a model's name of {MODEL_RULE}; found {model!r:.60}.")
    return model_name(name, variant=variant, model=model)


def _media(header: str) -> str:
    if not header.strip():
        raise Refused(415, f"Expected Content-Type {', '.join(MEDIA)}, found none.")
    return content_type(header)


def _body(event: Mapping[str, Any], *, packed: bool) -> bytes:
    text = event.get("body") or ""
    try:
        body = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode()
        body = encodings.unpacked(body, FUNCTION_BYTES) if packed else body
        body.decode()
    except (binascii.Error, UnicodeError) as error:
        raise Refused(400, "Expected a body in UTF-8, found other bytes.") from error
    if len(body) > FUNCTION_BYTES:
        raise Refused(
            413,
            f"Expected a body of at most {FUNCTION_BYTES:,} bytes, which is what the HTTP API carries, found a longer "
            "one; send several requests, or call the endpoint itself.",
        )
    if not body.strip():
        raise Refused(400, "Expected at least one row, found an empty body.")
    return body


def _check_shape(body: bytes, media: str) -> None:
    """Raises Refused for what cannot be rows; which fields a row needs is the model's to say."""
    if media == TABLE:
        if len(body.strip().splitlines()) < 2:
            raise Refused(400, "Expected CSV with a line of field names and at least one row, found one line.")
    elif media == JSON:
        _check_document(_parsed(body, "the body"))
    else:
        for number, line in enumerate(body.split(b"\n"), 1):
            if line.strip():
                _check_row(_parsed(line, f"line {number}"), f"Line {number}")


def _check_document(document: Any) -> None:
    rows = document
    if isinstance(document, dict):
        if "instances" not in document:
            return
        rows = document["instances"]
    if not isinstance(rows, list):
        raise Refused(400, 'Expected {"instances": [row, ...]}, [row, ...] or one row as an object.')
    if not rows:
        raise Refused(400, "Expected at least one row, found none.")
    for number, row in enumerate(rows):
        _check_row(row, f"Row {number}")


def _check_row(row: Any, where: str) -> None:
    if not isinstance(row, dict):
        raise Refused(400, f"{where}: expected an object, found {json.dumps(row):.60}.")


def _parsed(text: bytes, where: str) -> Any:
    try:
        # As text: of bytes, the parser would guess the character set.
        return json.loads(text.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"Expected JSON in {where}: {error!s:.150}.") from error


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number in JSON")
