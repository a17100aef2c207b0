"""Review files as published pass the strict reading: other columns are tolerated, declared ones are not given up."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from recipes.neural_topic_model import sample
from recipes.neural_topic_model.config import CONFIG, sources
from trainyard.errors import BadData
from trainyard.glue.engine import connect
from trainyard.run.overrides import override
from trainyard.stages.ingest.csv_load import load
from trainyard.stages.ingest.csv_scan import plain


def read(path, tmp_path, source):
    target = tmp_path / "out.parquet"
    load(connect(tmp_path), source, file=plain(path, path.name, scratch=tmp_path), target=target)
    return pq.read_table(target)


def test_the_sample_is_read_with_the_declared_columns_only(tmp_path):
    sample.write(tmp_path, size=50, seed=1)
    found = read(tmp_path / "Reviews.csv", tmp_path, sources(CONFIG)[0])
    assert found.column_names == ["Score", "Summary", "Text"]
    assert found.num_rows == 50
    assert set(found["Score"].to_pylist()) <= {1, 2, 3, 4, 5}


def test_columns_may_stand_in_any_order(tmp_path):
    path = tmp_path / "reviews.tsv"
    path.write_text('review_body\tx\tstar_rating\treview_headline\nA "quote\t7\t4\tTitle\n', encoding="utf-8")
    source = sources(override(CONFIG, {"data": {"layout": "stars"}}))[0]
    assert read(path, tmp_path, source).to_pylist() == [
        {"star_rating": 4, "review_headline": "Title", "review_body": 'A "quote'}
    ]


def test_a_missing_column_and_a_field_too_many_are_refused(tmp_path):
    path = tmp_path / "Reviews.csv"
    path.write_text("Id,Score,Summary\n1,5,fine\n", encoding="utf-8")
    with pytest.raises(BadData, match=r"line 1: expected the columns Score, Summary, Text.*missing Text"):
        read(path, tmp_path, sources(CONFIG)[0])
    path.write_text("Id,Score,Summary,Text\n1,5,fine,text\n2,5,fine,text,more\n", encoding="utf-8")
    with pytest.raises(BadData, match=r"line 3: expected 4 fields"):
        read(path, tmp_path, sources(CONFIG)[0])
