"""What remains of a run: vectors as tables, neighbours and the sections of the page."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pandas as pd
import pytest

from recipes.prod2vec import report
from recipes.prod2vec.config import CONFIG
from recipes.prod2vec.inference import ProductVectors
from tests.recipes.prod2vec.conftest import vocabulary_of
from trainyard.contract.report import ReportInputs


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    root = tmp_path_factory.mktemp("reported")
    random = np.random.default_rng(0)
    vocabulary = vocabulary_of(
        [f"{each}A" for each in range(60)],
        frequencies=range(60, 0, -1),
        names=[f'Näme {each}, "$x_1$" <b>' for each in range(60)],
        departments=[str(each % 30) for each in range(60)],
    )
    target, context = random.normal(size=(2, 60, 5)).astype(np.float32)
    vectors = ProductVectors(vocabulary=vocabulary, target=target, context=context)
    for name in ("model", "outputs"):
        (root / name).mkdir()
    vectors.save(root / "model")
    (root / "model" / "curves.csv").write_text("epoch,loss,validation_hit_rate_at_10\n1,2.5,0.1\n2,2.0,0.2\n")
    inputs = ReportInputs(model=root / "model", prepare=root / "prepare", process=root / "process")
    return vectors, root / "outputs", report.report(inputs, root / "outputs", config=CONFIG)


def test_the_embedding_table_is_complete_in_both_formats(reported):
    vectors, outputs, _ = reported
    table = pd.read_parquet(outputs / "embeddings.parquet")
    assert list(table.columns) == ["index", "product_id", "product_name", "v0", "v1", "v2", "v3", "v4"]
    assert table["index"].tolist() == list(range(60))
    assert table["product_name"].tolist() == list(vectors.vocabulary.names)
    assert np.array_equal(table[[f"v{each}" for each in range(5)]].to_numpy(), vectors.target)
    with gzip.open(outputs / "embeddings.csv.gz", "rt", encoding="utf-8") as file:
        text = pd.read_csv(file)
    pd.testing.assert_frame_equal(text, table, check_dtype=False)


def test_neighbours_of_every_product_are_the_nearest(reported):
    vectors, outputs, _ = reported
    table = pd.read_parquet(outputs / "neighbours.parquet")
    assert len(table) == 60 * 10
    cosines = vectors.unit_vectors @ vectors.unit_vectors.T
    np.fill_diagonal(cosines, -2)
    mine = table[table.product_id == vectors.vocabulary.product_ids[17]]
    assert mine["rank"].tolist() == list(range(1, 11))
    best = np.argsort(-cosines[17])[:10]
    assert mine.neighbour_id.tolist() == vectors.vocabulary.product_ids[best].tolist()
    assert mine.cosine.to_numpy() == pytest.approx(cosines[17, best], abs=1e-6)


def test_highlights_are_ten_neighbours_of_products_of_different_departments(reported):
    vectors, outputs, _ = reported
    highlights = json.loads((outputs / "highlights.json").read_text(encoding="utf-8"))
    assert highlights["columns"] == list(vectors.vocabulary.names[:3])
    assert len(highlights["rows"]) == 10
    assert all(len(row) == 3 for row in highlights["rows"])


def test_sections_show_neighbours_map_and_training(reported):
    _, outputs, sections = reported
    assert [each.title for each in sections] == ["Nearest products", "Map of products", "Training"]
    assert len(sections[0].tables[0].rows) == 12
    figures = [figure for section in sections for figure in section.figures]
    assert len(figures) == 2
    assert all(figure.png.startswith(b"\x89PNG") and figure.alt for figure in figures)
    assert (outputs / "map.png").read_bytes() == sections[1].figures[0].png


def test_a_handful_of_products_can_be_reported(tmp_path):
    vocabulary = vocabulary_of([4, 2, 9], frequencies=[3, 2, 1], names=["a", "b", "c"])
    target = np.eye(3, 2, dtype=np.float32)
    ProductVectors(vocabulary=vocabulary, target=target, context=target).save(tmp_path)
    inputs = ReportInputs(model=tmp_path, prepare=tmp_path, process=tmp_path)
    sections = report.report(inputs, tmp_path, config=CONFIG)
    assert [each.title for each in sections] == ["Nearest products", "Map of products"]
    assert len(pd.read_parquet(tmp_path / "neighbours.parquet")) == 6
    highlights = json.loads((tmp_path / "highlights.json").read_text(encoding="utf-8"))
    assert highlights["columns"] == ["a", "b", "c"]
    assert "departments" not in sections[1].text
