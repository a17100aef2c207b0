"""The requests by which `benchmarks.serving` measures a model: its examples, its routes, and what is special to it."""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import request
from trainyard.contract import values
from trainyard.run import recipe

ADDED_MS = 0.15
# Reasons take two predictions per column.
EXPLAINED_MS = 0.78
BASKET = 10


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that is measured, and how many milliseconds it may add to the trivial route; `rate`: has that bar."""

    label: str
    content: bytes
    added_ms: float = ADDED_MS
    rate: bool = True


def asked(name: str, model: Path) -> Iterator[Asked]:
    """The examples of a model and its routes, and what is special to a recipe."""
    for number, body in enumerate(bodies(model), 1):
        yield Asked(label=f"example {number}", content=request("/invocations", body))
    for route in recipe.module(name, "serve").load(model).routes()[1:]:
        content = b"" if route.method == "GET" else json.dumps(route.example).encode()
        query = "&".join(f"{key}={value}" for key, value in route.example.items() if f"{{{key}}}" not in route.path)
        path = f"{route.path.format(**route.example)}?{query}" if route.method == "GET" else route.path
        sent = request(path, content, method=route.method)
        yield Asked(label=f"{route.method} {route.path}", content=sent)
    if name == "prod2vec":
        body = json.dumps({"basket": list(range(100, 100 * BASKET + 1, 100))}).encode()
        yield Asked(label=f"POST /basket, {BASKET} products", content=request("/basket", body))
    visits = [*(model.parent / "raw").glob("*.csv")] if name == "propensity" else []
    if visits:
        row = _visit(visits[0])
        yield Asked(label="a visit", content=request("/invocations", json.dumps(row).encode()))
        told = request("/invocations", json.dumps({**row, "explain": True}).encode())
        yield Asked(label="a visit, explained", content=told, added_ms=EXPLAINED_MS, rate=False)


def _visit(path: Path) -> dict[str, float | str]:
    """A visit of the online shoppers, numbers as numbers, without what became of it."""
    with path.open(encoding="utf-8", newline="") as file:
        row = next(itertools.islice(csv.DictReader(file), 5000, None))
    return {
        name: text if (number := values.number(text)) is None else number
        for name, text in row.items()
        if name != "Revenue"
    }


def bodies(model: Path) -> list[bytes]:
    """The examples of a model folder, each as a body of its own."""
    document = json.loads((model / "examples.json").read_text())
    return [json.dumps(each).encode() for each in document["requests"]]
