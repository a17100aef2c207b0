"""The score job under the container contract: what it reads, what it leaves, and when it refuses."""

from __future__ import annotations

import json
import re
import sys

import duckdb
import pyarrow.parquet as pq
import pytest

from recipes.prod2vec.config import SCORES
from tests.containers.test_entry_points import archive, run, trained  # noqa: F401 - a fixture

# They share a model that takes long to train.
pytestmark = pytest.mark.xdist_group("container_score")
PRODUCTS = ("product_id", "product_name")


@pytest.fixture
def inputs(trained, tmp_path):  # noqa: F811 - the fixture
    """The folders that SageMaker would fill: a catalogue of three products, of which the model knows two."""
    folder = tmp_path / "processing" / "input"
    (folder / "ingest" / "products").mkdir(parents=True)
    (folder / "resolve").symlink_to(trained / "process" / "processing" / "input" / "resolve")
    archive(trained / "train" / "model", folder / "model")
    known = pq.read_table(trained / "train" / "model" / "vocabulary.parquet")["product_id"].to_pylist()[:2]
    rows = ", ".join(f"({each}, 'Number {each}')" for each in (*known, 987654))
    target = folder / "ingest" / "products" / "part-00000.parquet"
    duckdb.sql(f"COPY (SELECT * FROM (VALUES {rows}) AS t({', '.join(PRODUCTS)})) TO '{target}'")
    return folder


def test_every_product_is_scored_and_summed_up(inputs, tmp_path):
    done = run(tmp_path, "training", "score")
    assert done.returncode == 0, done.stderr
    assert "progress=1.000; 3 of 3 rows scored" in done.stdout
    output = tmp_path / "processing" / "output"
    [file] = (output / "scores").iterdir()
    rows = pq.read_table(file).to_pylist()
    assert [(each["known"], len(each["similar"])) for each in rows] == [(True, 10), (True, 10), (False, 0)]
    summary = json.loads((output / "summary" / "summary.json").read_text())
    assert (summary["rows"], summary["files"], summary["model_run"]) == (3, 1, "proof")
    assert summary["bytes"] == file.stat().st_size
    assert [each["Name"] for each in summary["columns"]] == [each.name for each in SCORES]
    assert json.loads((output / "summary" / "head.json").read_text())[2]["product_name"] == "Number 987654"
    page = (output / "summary" / "index.html").read_text()
    for told in ("3 rows of data set sample", "of run proof", "model=prod2vec/run=proof", "2 · 66.7 %", "1 rows."):
        assert told in page


def test_a_second_attempt_writes_the_same_page_but_for_the_time(inputs, tmp_path):
    pages = []
    for _ in range(2):
        assert run(tmp_path, "training", "score").returncode == 0
        page = (tmp_path / "processing" / "output" / "summary" / "index.html").read_text()
        pages.append(re.sub(r"<dt>seconds</dt><dd>[\d.]+</dd>", "", page))
    assert pages[0] == pages[1]
    assert "<dt>seconds" not in pages[0]


def test_tensorflow_is_not_loaded(inputs, tmp_path):
    code = (
        "import sys; from training_container.main import main; assert main(['score']) == 0; "
        "assert not {'tensorflow', 'keras', 'faiss'} & set(sys.modules)"
    )
    done = run(tmp_path, "training", "score", python=[sys.executable, "-c", code])
    assert done.returncode == 0, done.stderr


def test_without_rows_it_says_so(inputs, tmp_path):
    for path in (inputs / "ingest" / "products").iterdir():
        path.unlink()
    done = run(tmp_path, "training", "score")
    assert done.returncode == 1
    assert "Parquet files of the table products" in (tmp_path / "output" / "message").read_text()
