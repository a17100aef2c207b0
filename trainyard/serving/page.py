"""Renders the API description as one page that needs nothing from elsewhere, page.html.j2; runs in the service."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainyard.pages import environment

TEMPLATE = "serving/page.html.j2"
# An answer may hold a whole embedding; this much shows its form.
SHOWN_CHARACTERS = 2000


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A method of a path, with a request to copy and its answer where the description has examples of them."""

    method: str
    path: str
    summary: str
    samples: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class ApiPage:
    """All that the template shows; `model` is the run that trained the model."""

    title: str
    model: str
    operations: Sequence[Operation]


def of_description(description: Mapping[str, Any]) -> str:
    """An HTML page of an OpenAPI document: each operation with a request to copy, and its answer."""
    info = description["info"]
    operations = [
        _operation(method, path, operation=operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    return environment.render(TEMPLATE, ApiPage(title=info["title"], model=info["version"], operations=operations))


def _operation(method: str, path: str, *, operation: Mapping[str, Any]) -> Operation:
    samples = tuple(_samples(method, path, operation=operation))
    return Operation(method=method.upper(), path=path, summary=operation["summary"], samples=samples)


def _samples(method: str, path: str, *, operation: Mapping[str, Any]) -> Iterator[str]:
    """A call with curl, and what comes back, where the document has an example."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if body:
        example = json.dumps(body["examples"]["rows"]["value"], ensure_ascii=False).replace("'", "'\\''")
        yield f"curl localhost:8080{path} -H 'Content-Type: application/json' -d '{example}'"
    elif method == "get":
        for parameter in operation.get("parameters", ()):
            path = path.replace(f"{{{parameter['name']}}}", str(parameter.get("example", "")))
        yield f"curl localhost:8080{path}"
    answer = operation["responses"]["200"].get("content", {}).get("application/json", {}).get("example")
    if answer is not None:
        yield json.dumps(answer, ensure_ascii=False, indent=1)[:SHOWN_CHARACTERS]
