"""The vocabulary in which a recipe says how it can be called; the service turns it into an API."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from trainyard.contract.request_rows import Row

# Every predictor has a route of this path: what SageMaker calls.
INVOCATIONS = "/invocations"
Answer = Callable[[Sequence[Mapping[str, Any]]], Sequence[Any]]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One way to call a model.

    `answer` takes rows and gives one answer each, of type `response`. POST takes a row as the body, or a list of rows;
    GET takes one row from the path (`/products/{product_id}/similar`) and from the query. `example` is a row.
    """

    path: str
    summary: str
    row: type[Row]
    response: Any
    answer: Answer
    example: Mapping[str, Any]
    method: Literal["GET", "POST"] = "POST"

    def at(self, path: str, **changes: Any) -> Route:
        """The same call under another path; `changes` are other fields, such as the method."""
        return replace(self, path=path, **changes)


class Predictor(Protocol):
    """What `load` of a recipe's `serve.py` gives."""

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
        """One answer per row; raises BadRow."""

    def examples(self) -> Sequence[Mapping[str, Any]]:
        """Rows that this model can answer."""

    def routes(self) -> Sequence[Route]:
        """How the model can be called; the first is `/invocations`, which answers as `predict`."""
