"""The page says how files were read and what was left out of them."""

from __future__ import annotations

from trainyard.run.documents import PrepareSummary
from trainyard.stages.report.page import render
from trainyard.stages.report.report import data_sections


def test_what_ingest_said_of_the_files_is_on_the_page(tmp_path):
    said = PrepareSummary(
        engine="duckdb",
        rows={"ratings": 3},
        warnings=("ratings.csv, line 3,001: left out: expected 4 fields",),
        notes=("ratings.csv: read as semicolon, cp1252.",),
    )
    (tmp_path / PrepareSummary.FILE).write_text(said.to_json())
    page = render(title="Films", facts={}, sections=data_sections(tmp_path))
    assert "ratings.csv, line 3,001: left out" in page
    assert "read as semicolon, cp1252" in page


def test_nothing_is_said_where_there_is_nothing_to_say(tmp_path):
    assert data_sections(tmp_path) == ()
    (tmp_path / PrepareSummary.FILE).write_text('{"engine": "duckdb", "rows": {"ratings": 3}}')
    assert data_sections(tmp_path) == ()
