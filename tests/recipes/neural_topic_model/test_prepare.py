"""Which reviews become documents, in each layout, on both engines; refusals; near-duplicates."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recipes.neural_topic_model.config import CONFIG, sources
from recipes.neural_topic_model.prepare import check, prepare
from tests.recipes.tables import stored
from trainyard.errors import ConfigError
from trainyard.run.overrides import override

ROOT = Path(__file__).parents[3]
COLUMNS = {
    "pole": ("pole", "title", "review"),
    "stars": ("star_rating", "review_headline", "review_body"),
    "score": ("Score", "Summary", "Text"),
}
LETTERS = str.maketrans("0123456789", "bcdfghklmn")


def config(**data):
    return override(CONFIG, {"data": {"min_documents": 50, **data}})


def texts(count, seed=0, length=60):
    random = np.random.default_rng(seed)
    return [" ".join(f"w{word}".translate(LETTERS) for word in random.integers(0, 2000, length)) for _ in range(count)]


def table(ratings, titles, bodies, layout="score"):
    rows = dict(zip(COLUMNS[layout], (ratings, titles, bodies), strict=True))
    return stored({"reviews": pa.table({name: pa.array(values) for name, values in rows.items()})})


def documents(tables, settings):
    return prepare(tables, settings)["documents"].to_pyarrow().to_pandas()


@pytest.mark.parametrize(
    ("layout", "ratings"), [("pole", [1, 2]), ("stars", [1, 5]), ("score", [2, 4])], ids=["pole", "stars", "score"]
)
@pytest.mark.parametrize("sentiment", ["negative", "positive", "all"])
def test_sentiment_is_selected_in_each_layout(layout, ratings, sentiment):
    tables = table(ratings, ["bad", "good"], texts(2), layout)
    found = documents(tables, config(layout=layout, sentiment=sentiment))
    expected = {"negative", "positive"} if sentiment == "all" else {sentiment}
    assert set(found.sentiment) == expected


def test_a_middle_rating_is_neither_negative_nor_positive():
    tables = table([3, 3], ["so", "so"], texts(2))
    assert set(documents(tables, config()).sentiment) == {"neutral"}
    assert documents(tables, config(sentiment="negative")).empty


def test_the_title_counts_as_words_and_letters_do_not():
    body = " ".join(["antidisestablishmentarianism"] * 49)
    tables = table([5, 5, 5], ["word", "", None], [body, body + "x", body + "y"])
    found = documents(tables, config(min_words=50))
    assert found.text.tolist() == ["word. " + body]


def test_near_duplicates_are_dropped_and_others_kept():
    bodies = texts(30, length=120)
    copies = [bodies[0].upper() + "<br />Thanks!", f"{bodies[1]} !!", bodies[2].replace("w", "W", 1) + " one more word"]
    other = " ".join(reversed(bodies[3].split()))
    tables = table([5] * 34, [""] * 34, [*bodies, *copies, other])
    found = documents(tables, config())
    assert len(found) == 31
    assert found.document.is_unique
    assert ". " + other in found.text.tolist()


def test_roles_depend_on_the_text_alone():
    bodies = texts(300)
    first = documents(table([5] * 300, [""] * 300, bodies), config())
    second = documents(table([1] * 150, [""] * 150, bodies[::-2]), config())
    roles = dict(zip(first.document, first.role, strict=True))
    assert all(roles[key] == role for key, role in zip(second.document, second.role, strict=True))
    assert 0.05 < (first.role == "holdout").mean() < 0.16
    assert 0.05 < (first.role == "validation").mean() < 0.16


def test_data_of_another_scale_and_too_few_reviews_are_refused():
    quality = check(table([0, 7, 3], ["", "", ""], texts(3)), config())
    assert not quality.ok
    assert any("expected Score from 1 to 5, found 2 other values such as 7" in each for each in quality.problems)
    assert any("at least 50 reviews of 50 words or more, found 3" in each for each in quality.problems)
    assert check(table([5] * 60, [""] * 60, texts(60)), config()).ok


def test_sources_follow_the_layout():
    reviews = {layout: sources(config(layout=layout))[0] for layout in COLUMNS}
    assert {layout: tuple(c.name for c in each.columns) for layout, each in reviews.items()} == COLUMNS
    assert reviews["stars"].delimiter == "\t"
    assert reviews["score"].accepts("Reviews.csv.gz")
    assert sources(config(file="mine.csv"))[0].accepts("mine.csv")
    vectors = sources(config(word_vectors="file", vector_size=3))[1]
    assert [column.name for column in vectors.columns] == ["word", "v0", "v1", "v2"]


def test_contradicting_settings_are_refused():
    with pytest.raises(ConfigError, match="min_df below max_df"):
        config(min_df=0.4, max_df=0.3)


@pytest.mark.skipif(importlib.util.find_spec("pyspark") is None, reason="the extra `spark` is not installed")
def test_both_engines_give_the_same_documents(tmp_path):
    bodies = texts(60, length=70)
    rows = {"Score": [1, 3, 5] * 22, "Summary": ["A title", None, "x"] * 22, "Text": [*bodies, *bodies[:6]]}
    pq.write_table(pa.table(rows), tmp_path / "reviews.parquet")
    found = {}
    for name in ("duckdb", "spark"):
        module = "tests.recipes.neural_topic_model.prepare_on_engine"
        command = [sys.executable, "-W", "ignore", "-m", module, name, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, done.stderr
        figures = json.loads((tmp_path / name / "figures.json").read_text())
        assert figures["reviews"] == figures["long_enough"] == 66.0
        assert figures["train_documents"] + figures["validation_documents"] + figures["holdout_documents"] == 60
        assert figures["common_words"] > 100
        found[name] = figures, pq.read_table(tmp_path / name / "documents").to_pylist()
    assert found["duckdb"] == found["spark"]
    assert len(found["duckdb"][1]) == 60
