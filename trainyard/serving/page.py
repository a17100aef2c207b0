"""The API description as one page that needs nothing from elsewhere; runs in the service."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "pre{background:#f4f4f4;padding:.6rem;overflow:auto;font-size:.85rem}code{font-size:.95em}"
    "h2{margin:2.2rem 0 .3rem;font-size:1.1rem}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}pre{background:#262626}a{color:#8bf}}"
)


def of_description(description: Mapping[str, Any]) -> str:
    """An HTML page of an OpenAPI document: each operation with a request to copy, and its answer."""
    info = description["info"]
    parts = "".join(
        _operation(method, path, operation)
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(info["title"])}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style>'
        f"<h1>{escape(info['title'])}</h1><p>Model {escape(info['version'])}. "
        f'All schemas: <a href="openapi.json">openapi.json</a>. '
        f'Refusals are <code>{{"error": "..."}}</code>.</p>{parts}'
    )


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    title = f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(operation['summary'])}</p>"
    return title + "".join(f"<pre>{escape(each)}</pre>" for each in _samples(method, path, operation))


def _samples(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
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
        yield json.dumps(answer, ensure_ascii=False, indent=1)[:2000]
