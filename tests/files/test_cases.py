"""Files as people have them become what their owners expect: reading, check and prepare, without a cloud."""

from __future__ import annotations

import json
import re

import pyarrow.compute as pc
import pytest

from tests.files.walk import Walked, index, walk

ENTRIES = {each["id"]: each for each in index()}
pytestmark = pytest.mark.skipif(not ENTRIES, reason="the cases are not beside the repository")
# What a sentence must say, in words of its own.
SENTENCES = {
    "one-rating-each": r"three movies.*every one of 300 users has rated once only",
    "one-product-orders": r"no order has two products or more",
    "reviews-stop-words-only": r"no word is left that tells reviews apart",
    "reviews-all-words-unique": r"no word is in enough reviews",
    "no-sale": r"no visit ended in a sale, and at least 100 are needed",
    "one-sale": r"one visit ended in a sale, and at least 100 are needed",
}


def of_recipe(name, *expected):
    return [each["id"] for each in ENTRIES.values() if each["recipe"] == name and each["expect"] in expected]


def walked(identifier, cases, tmp_path, **options) -> Walked:
    return walk(ENTRIES[identifier]["recipe"], cases / identifier, tmp_path / "scratch", **options)


def agrees(identifier, found):
    """Whether the counts are those of the case; what the case does not name may be anything."""
    expected = ENTRIES[identifier]["value"]
    assert {name: value for name, value in expected.items() if name in found} == {
        name: value for name, value in found.items() if name in expected
    }


def notices(result, identifier):
    """Whether what was left out is told, by file and line."""
    told = " ".join((*result.quality.warnings, *result.quality.notes))
    assert all(each in told for each in ENTRIES[identifier]["value"].get("notice_mentions", ())), told


@pytest.mark.parametrize("identifier", SENTENCES)
def test_data_that_hold_nothing_to_learn_are_refused_in_one_sentence(identifier, cases, tmp_path):
    quality = walked(identifier, cases, tmp_path).quality
    assert len(quality.problems) == 1
    assert re.search(SENTENCES[identifier], quality.problems[0])


def test_every_case_of_bad_data_has_its_sentence():
    assert {each["id"] for each in ENTRIES.values() if each["expect"] == "bad_data"} == set(SENTENCES)


@pytest.mark.parametrize("identifier", of_recipe("two_tower", "registered", "value", "trained_once"))
def test_ratings(identifier, cases, tmp_path):
    result = walked(identifier, cases, tmp_path)
    assert result.quality.ok, result.quality.problems
    ratings, users, movies = (result.prepared[name] for name in ("ratings", "users", "movies"))
    figures = result.quality.figures
    found = {
        "ratings": ratings.num_rows,
        "users": users.num_rows,
        "films": movies.num_rows,
        "replaced": int(figures.get("ratings_repeated", 0)),
        "left_out": int(figures.get("ratings_left_out", 0)),
        "tags": pc.count(result.read["tags"]["tag"]).as_py() if "tags" in result.read else 0,
    }
    agrees(identifier, found)
    notices(result, identifier)
    value = ENTRIES[identifier]["value"]
    assert set(value.get("titles", ())) <= set(movies["title"].to_pylist())
    if example := value.get("example"):
        user = users["user_id"].to_pylist().index(str(example["user"]))
        film = movies["movie_id"].to_pylist().index(str(example["film"]))
        row = ratings.filter((pc.field("user") == user) & (pc.field("movie") == film)).to_pylist()
        assert [each["rating"] for each in row] == [example["rating"]]
    assert set(value.get("tables", ())) <= set(result.read)


def test_a_scale_of_ten_points_has_its_own_limit_of_what_is_liked(cases, tmp_path):
    [scale] = walked("ten-point-scale", cases, tmp_path).prepared["scale"].to_pylist()
    assert 7.0 <= scale["relevant"] <= 8.0


@pytest.mark.parametrize("identifier", of_recipe("prod2vec", "registered"))
def test_orders(identifier, cases, tmp_path):
    result = walked(identifier, cases, tmp_path)
    assert result.quality.ok, result.quality.problems
    baskets, figures = result.prepared["baskets"], result.quality.figures
    found = {
        "orders": baskets.num_rows,
        "lines": pc.sum(pc.list_value_length(baskets["products"])).as_py(),
        "products": result.prepared["catalogue"].num_rows,
        "repeated": int(figures.get("order_products_repeated", 0)),
        "cancelled_invoices_left_out": int(figures.get("cancelled_orders", 0)),
    }
    agrees(identifier, found)
    if identifier == "ids-of-20-digits":
        keys = result.prepared["catalogue"]["product_id"].to_pylist()
        assert len({each[:-1] for each in keys}) < len(set(keys)) == 100


@pytest.mark.parametrize("identifier", of_recipe("headline_classifier", "registered", "value"))
def test_headlines(identifier, cases, tmp_path):
    result = walked(identifier, cases, tmp_path)
    assert result.quality.ok, result.quality.problems
    headlines, value = result.prepared["headlines"], ENTRIES[identifier]["value"]
    classes = sorted(set(headlines["category"].to_pylist()))
    figures = result.quality.figures
    found = {
        "headlines": headlines.num_rows,
        "classes": len(classes),
        "class_names": classes,
        "left_out": int(figures.get("left_out", 0) + figures.get("headlines_left_out", 0)),
    }
    if "stories" in value:
        found["stories"] = len(set(headlines["story"].to_pylist()))
    agrees(identifier, found)
    notices(result, identifier)


@pytest.mark.parametrize("identifier", of_recipe("neural_topic_model", "registered", "value"))
def test_reviews(identifier, cases, tmp_path):
    from recipes.neural_topic_model.features import Lemmatizer
    from recipes.neural_topic_model.words.language import stop_words

    result = walked(identifier, cases, tmp_path)
    assert result.quality.ok, result.quality.problems
    documents = result.prepared["documents"]
    found = {
        "documents": documents.num_rows,
        "without_score": int(result.quality.figures["without_rating"]),
    }
    agrees(identifier, found)
    [language] = result.prepared["language"].to_pylist()
    lemmatizer = Lemmatizer(stop_words=stop_words(language["code"]), min_letters=3, language=language["code"])
    words = {lemma for text in documents["text"].to_pylist() for lemma in lemmatizer.lemmas(text)}
    value = ENTRIES[identifier]["value"]
    assert not words & set(value.get("tokens_absent", ()))
    assert {lemmatizer.lemmas(each)[0] for each in value.get("tokens_whole", ())} <= words
    assert not {each for each in words if len(each) < 3}


VISITS = [each for each in of_recipe("propensity", "registered", "value") if not each.startswith(("sqlite", "score"))]


@pytest.mark.parametrize("identifier", VISITS)
def test_visits(identifier, cases, tmp_path):
    result = walked(identifier, cases, tmp_path)
    assert result.quality.ok, result.quality.problems
    visits, value = result.prepared["visits"], ENTRIES[identifier]["value"]
    agrees(identifier, {"visits": visits.num_rows, "sales": pc.sum(visits["is_sale"]).as_py()})
    if same := value.get("same_figures_as"):
        other = walk("propensity", cases / same, tmp_path / "other").prepared["visits"]
        # Whatever is learned and judged is the same row by row.
        assert visits.equals(other)
    assert not set(value.get("not_inputs", ())) & set(visits.schema.names)
    if label := value.get("label"):
        [description] = result.prepared["description"].to_pylist()
        assert json.loads(description["document"])["outcome"]["column"] == label


def test_rows_to_score_need_no_outcome(cases, tmp_path):
    tables = []
    for identifier in ("score-without-label", "score-empty-label"):
        result = walk("propensity", cases / identifier, tmp_path / identifier, task="score")
        assert result.quality.ok, result.quality.problems
        tables.append(
            result.read["visits"].drop_columns([n for n in result.read["visits"].schema.names if n == "Revenue"])
        )
    assert tables[0].num_rows == 300
    assert tables[0].equals(tables[1])
