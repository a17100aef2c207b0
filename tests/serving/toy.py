"""A predictor small enough to see through, and calls of an application without a server."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Annotated

import orjson
from pydantic import Field
from typing_extensions import TypedDict

from trainyard.contract.request_rows import WHOLE, Row, checked
from trainyard.contract.routes import Route
from trainyard.errors import BadRow
from trainyard.serving.application import application
from trainyard.serving.limits import Limits


class Stock(Row):
    """What is asked for."""

    item: Annotated[int, Field(ge=-(2**63), lt=2**63), WHOLE]
    note: str | None = None
    counts: Annotated[list[float], Field(max_length=3)] | None = None
    wide: Annotated[int, Field(ge=1, le=100_000), WHOLE] = 1


class Level(TypedDict):
    """What is answered."""

    level: float
    note: str


class Toy:
    """Answers a third of the item's number; knows none above 99, fails on 66, has no number for 67, is slow on 68."""

    def __init__(self):
        self.batches = []

    def predict(self, rows):
        self.batches.append(len(rows))
        found = []
        for number, row in enumerate(checked(Stock, rows)):
            if row.item > 99:
                raise BadRow(number, f"expected a known item in item, found {row.item}.", unknown=True)
            if row.item == 66:
                raise ZeroDivisionError("secret of the stack")
            if row.item == 68:
                time.sleep(1)
            level = math.nan if row.item == 67 else row.item / 3
            found.append({"level": level, "note": (row.note or "") * row.wide})
        return found

    def examples(self):
        return [{"item": 2, "note": "é"}]

    def routes(self):
        kinds = [("/invocations", "POST"), ("/levels", "POST"), ("/items/{item}", "GET")]
        return tuple(
            Route(
                path=path,
                method=method,
                summary="Levels.",
                row=Stock,
                response=Level,
                answer=self.predict,
                example={"item": 2, "note": "é"},
            )
            for path, method in kinds
        )


def toy_application(predictor=None, *, limits=None, capture=None, **changes):
    chosen = limits or Limits(**changes)
    facts = {"run_id": "r1"}
    return application(predictor or Toy(), title="toy", facts=facts, limits=chosen, capture=capture)


def call(
    app,
    path,
    body=b"",
    *,
    method="POST",
    content_type="application/json",
    accept=None,
    chunk=None,
    headers=(),
    after=None,
):
    """(status, headers, body) of one call; `chunk` sends the body in parts of so many bytes, without its length.

    `after` gives what the client does after its request: it waits unless told otherwise.
    """
    given = headers
    headers = [(b"content-type", content_type.encode())] if content_type is not None else []
    headers += [(b"accept", accept.encode())] if accept is not None else []
    headers += [] if chunk else [(b"content-length", str(len(body)).encode())]
    headers += given
    path, _, query = path.partition("?")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": headers,
        "root_path": "",
        "scheme": "http",
        "server": ("localhost", 80),
        "client": ("localhost", 1),
    }
    size = chunk or max(len(body), 1)
    parts = [body[start : start + size] for start in range(0, len(body), size)] or [b""]
    left = iter([{"type": "http.request", "body": p, "more_body": i < len(parts) - 1} for i, p in enumerate(parts)])
    sent = []

    async def run():
        async def receive():
            message = next(left, None)
            # A client that waits for its answer sends nothing more.
            return message or await (after or asyncio.Event().wait)()

        async def send(message):
            sent.append(message)

        try:
            await app(scope, receive, send)
        except ZeroDivisionError:
            # The server writes it to its log, after the answer.
            assert sent

    asyncio.run(run())
    answer = b"".join(each.get("body", b"") for each in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), answer


def refusal(answer):
    """(status, sentence) of an answer that is a refusal of the documented form."""
    status, headers, body = answer
    assert headers[b"content-type"] == b"application/json"
    document = orjson.loads(body)
    assert list(document) == ["error"]
    assert "Traceback" not in document["error"] and "\n" not in document["error"]
    return status, document["error"]
