"""Requests kept with a model and what it answered when it was trained; for training and for the test of an endpoint.

`examples.json` is `{"content_type": "application/json", "requests": [body, ...], "answers": [body, ...]}`: a request
is a body for `/invocations`, `{"instances": [row]}`, and the answer of the same place is the body that came back,
`{"predictions": [...]}`. `routes` are the ways to call the model, as
`trainyard.serving.forms` describes them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trainyard.errors import JobFailed, NotFound
from trainyard.serving.wire import JSON

EXAMPLES_FILE = "examples.json"
# Another machine adds up float32 numbers in another order.
RELATIVE, ABSOLUTE = 1e-3, 1e-5


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Bodies of requests, and the body that answers each."""

    requests: tuple[Mapping[str, Any], ...]
    answers: tuple[Mapping[str, Any], ...]
    content_type: str = JSON
    routes: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(
        cls,
        rows: Sequence[Mapping[str, Any]],
        predictions: Sequence[Any],
        *,
        routes: Sequence[Mapping[str, Any]] = (),
    ) -> Examples:
        """One request per row."""
        return cls(
            requests=tuple({"instances": [dict(row)]} for row in rows),
            answers=tuple({"predictions": [each]} for each in predictions),
            routes=tuple(routes),
        )

    def save(self, directory: Path) -> None:
        (directory / EXAMPLES_FILE).write_text(json.dumps(asdict(self), indent=2, allow_nan=False), encoding="utf-8")


def load(path: Path) -> Examples:
    """The examples in a file, or in the model folder `path`.

    Raises NotFound where there are none, JobFailed for a file that is not of this form.
    """
    file = path / EXAMPLES_FILE if path.is_dir() else path
    if not file.is_file():
        raise NotFound(f"Expected {EXAMPLES_FILE} beside the model, found none: the model is older than the examples.")
    return parse(file.read_text(encoding="utf-8"))


def parse(text: str) -> Examples:
    """The examples in the text of `examples.json`; raises JobFailed for another text."""
    try:
        document = json.loads(text)
        found = Examples(
            requests=tuple(document["requests"]),
            answers=tuple(document["answers"]),
            content_type=str(document["content_type"]),
            routes=tuple(document.get("routes", ())),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise JobFailed(f"Expected content_type, requests and answers in {EXAMPLES_FILE}: {error!r}.") from error
    if len(found.requests) != len(found.answers):
        raise JobFailed(f"Expected one answer per request, found {len(found.requests)} and {len(found.answers)}.")
    return found


def check(answer: Any, expected: Any, *, place: str = "") -> list[str]:
    """Where a parsed answer differs from the expected one, a sentence each; numbers may differ a little."""
    where = place or "the answer"
    if _is_number(expected) and _is_number(answer):
        close = math.isclose(answer, expected, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
        return [] if close else [f"Expected {expected!r} at {where}, found {answer!r}."]
    if isinstance(expected, Mapping) and isinstance(answer, Mapping):
        if set(answer) != set(expected):
            return [f"Expected the fields {_named(expected)} at {where}, found {_named(answer)}."]
        return [each for key in expected for each in check(answer[key], expected[key], place=f"{place}.{key}")]
    if isinstance(expected, list) and isinstance(answer, list):
        if len(answer) != len(expected):
            return [f"Expected {len(expected)} entries at {where}, found {len(answer)}."]
        pairs = enumerate(zip(answer, expected, strict=True))
        return [each for i, (found, wanted) in pairs for each in check(found, wanted, place=f"{place}[{i}]")]
    same = type(answer) is type(expected) and answer == expected
    return [] if same else [f"Expected {expected!r:.100} at {where}, found {answer!r:.100}."]


def _named(fields: Mapping[str, Any]) -> str:
    return ", ".join(sorted(fields)) or "none"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
