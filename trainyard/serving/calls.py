"""One call of a model: rows from the body, answers within the limits, one body back; runs in the service."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from trainyard.contract.request_rows import text_fields
from trainyard.contract.routes import INVOCATIONS, Route
from trainyard.errors import BadRow, Refused
from trainyard.serving import formats, wire
from trainyard.serving.limits import Limits

# What takes longer than a fraction of a millisecond goes to a thread: /ping has to be answered meanwhile.
INLINE_ROWS, INLINE_BYTES = 4, 16 * 1024
BLOCK_ROWS = 128


@dataclass(frozen=True)
class Call:
    """A route of a model with the limits of the service."""

    route: Route
    limits: Limits

    @cached_property
    def _texts(self) -> frozenset[str]:
        return text_fields(self.route.row)

    async def of_body(self, request: Request) -> Response:
        """Answer the rows of the body, in the format that the caller accepts."""
        headers = request.headers
        media = formats.content_type(headers.get("content-type", ""))
        accept = formats.accepted(headers.get("accept", ""), media)
        body = await self._body(request)
        batch = formats.decode(body, media, texts=self._texts)
        if len(batch.rows) > self.limits.max_rows:
            raise Refused(
                413,
                f"Expected at most {self.limits.max_rows:,} rows, found {len(batch.rows):,}; send several requests.",
            )
        try:
            if len(batch.rows) <= INLINE_ROWS and len(body) <= INLINE_BYTES:
                content = self._content(self.route.answer(batch.rows), accept, shape=batch.shape)
            else:
                content = await run_in_threadpool(
                    lambda: self._content(self._many(batch.rows), accept, shape=batch.shape)
                )
        except BadRow as error:
            raise self._refusal(error, single=batch.shape == "object") from None
        return Response(content, media_type=accept)

    async def of_address(self, request: Request) -> Response:
        """Answer the one row that path and query spell."""
        accept = formats.accepted(request.headers.get("accept", ""), wire.JSON)
        row = formats.row_of_texts({**request.query_params, **request.path_params}, self._texts)
        try:
            return Response(self._content(self.route.answer([row]), accept, shape="object"), media_type=accept)
        except BadRow as error:
            raise self._refusal(error, single=True) from None

    async def _body(self, request: Request) -> bytes:
        """The body, which is not read further than the limit."""
        limit = self.limits.max_body_bytes
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > limit:
            raise _too_large(limit)
        parts, size = [], 0
        async for part in request.stream():
            parts.append(part)
            size += len(part)
            if size > limit:
                raise _too_large(limit)
        return b"".join(parts)

    def _many(self, rows: Sequence[Any]) -> list[Any]:
        """Answers in blocks, given up as soon as time or space is known not to suffice."""
        answers: list[Any] = []
        size, start = 0, time.monotonic()
        for first in range(0, len(rows), BLOCK_ROWS):
            try:
                found = self.route.answer(rows[first : first + BLOCK_ROWS])
            except BadRow as error:
                raise error.moved(first) from None
            answers += found
            size += len(orjson.dumps(found))
            self._check_size(size, f"after {len(answers):,} of {len(rows):,} rows")
            if time.monotonic() - start > self.limits.max_seconds and len(answers) < len(rows):
                raise Refused(
                    413,
                    f"Expected to answer within {self.limits.max_seconds} s, which was enough for {len(answers):,} "
                    f"of {len(rows):,} rows; send several requests.",
                )
        return answers

    def _content(self, answers: Sequence[Any], media: str, *, shape: formats.Shape) -> bytes:
        content = formats.encode(answers, media, shape=shape)
        self._check_size(len(content), "in all")
        return content

    def _check_size(self, size: int, when: str) -> None:
        if size > self.limits.max_answer_bytes:
            raise Refused(
                413,
                f"Expected an answer of at most {self.limits.max_answer_bytes:,} bytes, found {size:,} {when}; "
                "ask for less or send several requests.",
            )

    def _refusal(self, error: BadRow, *, single: bool) -> Refused:
        sentence = error.problem[:1].upper() + error.problem[1:] if single else str(error)
        # For a client of SageMaker, not found is the endpoint.
        absent = error.unknown and single and self.route.path != INVOCATIONS
        return Refused(404 if absent else 422, sentence)


def _too_large(limit: int) -> Refused:
    return Refused(413, f"Expected a body of at most {limit:,} bytes, found a longer one; send several requests.")
