"""One call of a model: rows from the body, answers within the limits, one body back; runs in the service."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from threading import Event
from typing import Any, NamedTuple

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from trainyard.contract.request_rows import text_fields
from trainyard.contract.routes import INVOCATIONS, Answer, Route
from trainyard.errors import BadRow, Refused
from trainyard.serving import encodings, formats, inference_id, negotiation, threads, wire
from trainyard.serving.capture import Capture
from trainyard.serving.limits import Limits

# What takes longer than a fraction of a millisecond goes to a thread: /ping has to be answered meanwhile.
INLINE_ROWS, INLINE_BYTES = 4, 16 * 1024
BLOCK_ROWS = 128


class _Asked(NamedTuple):
    """When a request came, what it is called, and how many bytes its body has when it is unpacked."""

    started: float
    name: str
    size: int


@dataclass(frozen=True)
class Call:
    """A route of a model with the limits of the service, and what keeps its requests, if anything does."""

    route: Route
    limits: Limits
    capture: Capture | None = None

    @cached_property
    def _called(self) -> str:
        return f"{self.route.method} {self.route.path}"

    @cached_property
    def _texts(self) -> frozenset[str]:
        return text_fields(self.route.row)

    async def of_body(self, request: Request) -> Response:
        """Answer the rows of the body, in the format that the caller accepts."""
        started = time.perf_counter()
        headers = _headers(request)
        name = self._name(headers)
        media = negotiation.content_type(headers.get(b"content-type", b"").decode("latin-1"))
        accept = negotiation.accepted(_joined(request, "accept") if b"accept" in headers else "", media)
        packed = b"content-encoding" in headers and encodings.packed(_joined(request, "content-encoding"))
        body = await self._body(request, headers.get(b"content-length", b""))
        read = None if packed or len(body) > INLINE_BYTES else self._decoded(body, media)
        if read is not None and len(read.rows) <= INLINE_ROWS:
            asked = _Asked(started, name, len(body))
            return self._answered(read, accept, answer=self.route.answer, asked=asked)

        def work(ended: Event) -> Response:
            plain = self._unpacked(body) if packed else body
            batch = read or self._decoded(plain, media)
            asked = _Asked(started, name, len(plain))
            return self._answered(batch, accept, answer=partial(self._many, ended=ended), asked=asked)

        return await threads.unless_gone(request, work)

    async def of_address(self, request: Request) -> Response:
        """Answer the one row that path and query spell."""
        started = time.perf_counter()
        accept = negotiation.accepted(_joined(request, "accept"), wire.JSON)
        cells = dict(request.path_params)
        for name, text in request.query_params.multi_items():
            if name in cells:
                raise Refused(400, f"Expected every field once in path and query, found {name!r:.60} more than once.")
            cells[name] = text
        row = formats.row_of_texts(cells, self._texts)
        batch = formats.Batch(rows=[row], shape="object")
        asked = _Asked(started, self._name(_headers(request)), len(request.scope["query_string"]))
        return self._answered(batch, accept, answer=self.route.answer, asked=asked)

    def _name(self, headers: Mapping[bytes, bytes]) -> str:
        """What a request is called that may be kept."""
        return inference_id.given(headers) if self.capture is not None else ""

    def _decoded(self, body: bytes, media: str) -> formats.Batch:
        return formats.decode(body, media, texts=self._texts, max_rows=self.limits.max_rows)

    def _answered(self, batch: formats.Batch, accept: str, *, answer: Answer, asked: _Asked) -> Response:
        try:
            answers = answer(batch.rows)
            content = self._content(answers, accept, shape=batch.shape)
        except BadRow as error:
            raise self._refusal(error, single=batch.shape == "object") from None
        # Of a request that nobody waits for any more not all rows are answered.
        if self.capture is None or len(answers) < len(batch.rows):
            return Response(content, media_type=accept)
        started, name, size = asked
        kept = self.capture.keep(name, self._called, batch.rows, answers, size + len(content), started)
        return Response(content, media_type=accept, headers=_named(kept) if kept else None)

    async def _body(self, request: Request, length: bytes) -> bytes:
        """The body, which is not read further than the limit; `length` is what the request says of it."""
        limit = self.limits.max_body_bytes
        if length.isdigit() and int(length) > limit:
            raise self._too_large(f"{int(length):,}")
        parts, size, more = [], 0, True
        while more:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise self._too_large("more")
            more = message.get("more_body", False)
        return b"".join(parts)

    def _unpacked(self, body: bytes) -> bytes:
        limit = self.limits.max_body_bytes
        plain = encodings.unpacked(body, limit)
        if len(plain) > limit:
            raise self._too_large("more when unpacked")
        return plain

    def _too_large(self, found: str) -> Refused:
        return Refused(
            413,
            f"Expected a body of at most {self.limits.max_body_bytes:,} bytes, {self.limits.reason('max_body_bytes')}; "
            f"found {found}; send several requests.",
        )

    def _many(self, rows: Sequence[Any], *, ended: Event) -> list[Any]:
        """Answers in blocks, given up as soon as time or space is known not to suffice, or nobody waits for them."""
        answers: list[Any] = []
        size, start = 0, time.monotonic()
        for first in range(0, len(rows), BLOCK_ROWS):
            if ended.is_set():
                break
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
                f"Expected an answer of at most {self.limits.max_answer_bytes:,} bytes, "
                f"{self.limits.reason('max_answer_bytes')}; found {size:,} {when}; "
                "ask for less or send several requests.",
            )

    def _refusal(self, error: BadRow, *, single: bool) -> Refused:
        sentence = error.problem[:1].upper() + error.problem[1:] if single else str(error)
        # For a client of SageMaker, not found is the endpoint.
        absent = error.unknown and single and self.route.path != INVOCATIONS
        return Refused(404 if absent else 422, sentence)


def _headers(request: Request) -> dict[bytes, bytes]:
    """The headers of a request; of one that comes in several lines, the first one."""
    return dict(reversed(request.scope["headers"]))


def _named(name: str) -> dict[str, str]:
    """What tells a caller what its request is called."""
    return {inference_id.HEADER: name, inference_id.ATTRIBUTES: inference_id.attribute(name)}


def _joined(request: Request, name: str) -> str:
    """A header that may come in several lines, which mean one list."""
    return ",".join(request.headers.getlist(name))
