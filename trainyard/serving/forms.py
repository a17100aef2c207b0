"""Describes how a model can be called to who makes forms of it; runs where a model is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trainyard.contract.routes import Route
from trainyard.serving.description import inlined


def described(routes: Sequence[Route]) -> list[dict[str, Any]]:
    """Of each route its path, method, summary, the JSON schema of a row, and a row that the model can answer.

    `invocable` says that `/invocations` answers such a row in the same way, which is all that an endpoint has.
    """
    if not routes:
        return []
    # The first is `/invocations`.
    main = routes[0]
    known = set(_fields(main))
    return [
        {
            "path": each.path,
            "method": each.method,
            "summary": each.summary,
            "row": inlined(each.row.model_json_schema()),
            "example": dict(each.example),
            "invocable": each.response == main.response and known.issuperset(_fields(each)),
        }
        for each in routes
    ]


def _fields(route: Route) -> Mapping[str, Any]:
    found: Mapping[str, Any] = route.row.model_json_schema().get("properties", {})
    return found
