"""Sentences about files quote cells of theirs, unless an environment does not show any: then none leaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reading.reads import THINGS, reading
from trainyard.contract.quoting import cells_shown

CELL = "Ann1970"
FILES = {
    "no number": f"id,name,price\n1,a,2\n2,b,{CELL}\n".encode(),
    "no key": f"id,name,price\n{CELL},a,2\n".encode(),
    "too few fields": f"id,name,price\n1,a,2\n{CELL}\n".encode(),
    "an open quote": f'id,name,price\n1,a,2\n2,"{CELL}\n'.encode(),
    "no JSON": f'{{"id": 1, "name": "a"}}\n{{"id": {CELL}, "name": "b"}}\n'.encode(),
    "JSON of other types": f'[{{"id": "{CELL}", "name": "a"}}, {{"id": 1, "name": "{CELL}"}}]'.encode(),
    "repeated lines": b"id,name,price\n1970,a,2\n1970,b,3\n",
}


def said(folder: Path, content: bytes) -> str:
    name = "things.json" if content[:1] in (b"{", b"[") else "things.csv"
    quality = reading(folder, {name: content}, THINGS).quality
    return " ".join((*quality.problems, *quality.warnings, *quality.notes))


@pytest.mark.parametrize("what", FILES)
def test_no_cell_is_in_a_sentence_where_none_is_shown(tmp_path: Path, what: str) -> None:
    with cells_shown(False):
        found = said(tmp_path, FILES[what])
    assert "expected" in found
    assert "1970" not in found


@pytest.mark.parametrize("what", ["no number", "no key", "repeated lines"])
def test_where_they_are_shown_a_sentence_says_what_was_found(tmp_path: Path, what: str) -> None:
    assert "1970" in said(tmp_path, FILES[what])
