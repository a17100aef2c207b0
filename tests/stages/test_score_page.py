"""The page about a bulk scoring: what it says about a few known rows, and that data stays text in it."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest

from tests.stages.test_report_page import Outline
from trainyard.contract import chunks
from trainyard.contract.config import ScoreColumn
from trainyard.stages.score import charts
from trainyard.stages.score import page as score_page

HOSTILE = "<script>alert('x')</script> & \"quoted\""
COLUMNS = (
    ScoreColumn(name="id", type="bigint", comment="ID of the file", spread=False),
    ScoreColumn(name="title", type="string", comment="the headline", spread=False),
    ScoreColumn(name="class_name", type="string", comment=HOSTILE),
    ScoreColumn(name="probability", type="double", comment="of that class", ranked=True),
    ScoreColumn(name="likely", type="boolean"),
    ScoreColumn(name="best", type="array<struct<id:bigint,name:string,score:double>>"),
    ScoreColumn(name="shares", type="array<double>"),
)
ROWS = [
    {"id": 1001, "title": HOSTILE, "class_name": "health", "probability": 0.5, "likely": True, "best": [HOSTILE]},
    {"id": 1002, "title": "", "class_name": HOSTILE, "probability": 0.25, "likely": False, "best": ["Heat", "Alien"]},
    {"id": 1003, "title": None, "class_name": None, "probability": None, "likely": None, "best": []},
    {"id": 1004, "title": "x" * 500, "class_name": "health", "probability": float("nan"), "likely": True, "best": None},
]


def written(folder: Path, rows: list[dict], rows_per_chunk: int = 3) -> Path:
    schema = chunks.schema(COLUMNS)
    full = [
        {
            **row,
            "best": row["best"] and [{"id": 7, "name": name, "score": 0.5} for name in row["best"]],
            "shares": [0.5, 0.5],
        }
        for row in rows
    ]
    tables = (
        pa.Table.from_pylist(full[start : start + rows_per_chunk], schema)
        for start in range(0, len(full), rows_per_chunk)
    )
    folder.mkdir()
    chunks.write(tables, folder, schema=schema, rows_per_file=2 * rows_per_chunk)
    return folder


def made(folder: Path, **changes) -> tuple[str, Outline]:
    arguments = {"title": "Scores", "summary": "4 rows.", "facts": {"data set": HOSTILE}}
    page = score_page.page(folder, COLUMNS, **{**arguments, **changes})
    parsed = Outline()
    parsed.feed(page)
    assert parsed.open == []
    return page, parsed


def test_data_stays_text_and_nothing_comes_from_outside(tmp_path):
    page, parsed = made(written(tmp_path / "scores", ROWS))
    assert "script" not in parsed.tags
    # A fact, a comment twice, a value, an item, and a row at each end with title, class and item.
    assert " ".join(parsed.text).count(HOSTILE) >= 9
    assert not re.search(r"https?://|url\(|@import|<link|src=|href=", page)


def test_shares_count_nulls_and_stand_beside_what_the_model_learned_from(tmp_path):
    seen = {"class_name": {"health": 30, "business": 10}, "probability": 0.0115}
    page, parsed = made(written(tmp_path / "scores", ROWS), seen=seen)
    for row in (
        r"health</th>.*?2 · 50\.0 %.*?75\.0 %",
        r"business</th>.*?0 · 0\.0 %.*?25\.0 %",
        r"\(no value\)</th>.*?1 · 25\.0 %",
    ):
        assert re.search(f"<th scope=row>{row}", page), row
    assert "Mean of what the model learned from: 0.0115." in " ".join(parsed.text)
    without = made(tmp_path / "scores")[0]
    assert "learned from" not in without


def test_numbers_have_their_ends_their_mean_and_what_is_none(tmp_path):
    page, parsed = made(written(tmp_path / "scores", ROWS))
    assert "Mean 0.375, lowest 0.25, highest 0.5." in " ".join(parsed.text)
    for label in ("0.24 to 0.26", "0.48 to 0.50", r"\(not a finite number\)", r"\(no value\)"):
        assert re.search(rf"{label}</th><td class=own><span><i[^>]*></i><b>1 · 25\.0 %", page), label


def test_rows_of_both_ends_are_listed_with_plain_ids(tmp_path):
    rows = [
        {**ROWS[0], "id": 1000 + index, "title": f"title {index}.", "probability": (37 * index % 101) / 101}
        for index in range(100)
    ]
    page = made(written(tmp_path / "scores", rows, 7))[0]
    ranked = [each["id"] for each in sorted(rows, key=lambda each: each["probability"])]
    lowest, highest = page.split("<h2>Rows with the ")[1:3]
    assert re.findall(r"<td[^>]*>(\d{4})</td>", lowest) == [str(each) for each in ranked[:10]]
    assert re.findall(r"<td[^>]*>(\d{4})</td>", highest.split("<h2>")[0]) == [str(each) for each in ranked[:-11:-1]]
    assert "<th scope=col>shares" not in page


def test_long_texts_are_cut(tmp_path):
    page = made(written(tmp_path / "scores", [{**ROWS[0], "title": "x" * 500}]))[0]
    assert "x" * charts.SHOWN_CHARACTERS + "…" in page
    assert "x" * (charts.SHOWN_CHARACTERS + 1) not in page


def test_many_values_end_in_others_and_more_are_not_drawn(tmp_path):
    rows = [{**ROWS[0], "class_name": f"class {index % 30}"} for index in range(60)]
    page, parsed = made(written(tmp_path / "scores", rows))
    assert "5 others" in parsed.text
    many = [{**ROWS[0], "class_name": f"class {index}"} for index in range(300)]
    page = made(written(tmp_path / "many", many))[0]
    assert "class name: " not in page
    assert ">many<" in page


def test_the_same_rows_give_the_same_page_however_they_are_cut(tmp_path):
    one, other = written(tmp_path / "one", ROWS, 1), written(tmp_path / "other", ROWS, 4)
    assert made(one)[0] == made(other)[0]


def test_only_numbers_can_be_ranked():
    with pytest.raises(ValueError, match="ranked column of type int, bigint, double; found string"):
        ScoreColumn(name="title", type="string", ranked=True)
