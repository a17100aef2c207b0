"""Any classes: their order and names, and metrics that are means over the same classes for every model."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recipes.headline_classifier import evaluate, plots, process
from recipes.headline_classifier.classes import in_order, listing, names
from recipes.headline_classifier.config import CONFIG
from recipes.headline_classifier.features import Encoder
from recipes.headline_classifier.ngrams.counts import NgramCounts
from recipes.headline_classifier.predictions import by_class, pairs
from recipes.headline_classifier.texts.encoded import EncodedHeadlines
from recipes.headline_classifier.texts.tokenizer import joined, tokens, without_markup
from trainyard.contract.holdout import ROLES


def test_numbers_are_in_their_order_before_names():
    assert in_order(["10", "9", "sport", "9", "Köln FC"]) == ("9", "10", "Köln FC", "sport")
    assert listing(["a", "b", "c"], most=2) == "a, b and 1 more"


@pytest.mark.parametrize(
    ("classes", "listed", "expected"),
    [
        (("b", "e", "m", "t"), {}, ("business", "entertainment", "health", "science and technology")),
        (("b", "e", "x"), {}, ("b", "e", "x")),
        (("1", "2"), {"1": "World", "2": "Sci/Tech", "3": "unused"}, ("World", "Sci/Tech")),
        (("0", "1"), {"1": "World", "2": "Sci/Tech"}, ("World", "Sci/Tech")),
        (("0", "1"), {"0": "no", "1": "yes"}, ("no", "yes")),
        (("spam", "ham"), {"1": "one"}, ("spam", "ham")),
    ],
)
def test_names_of_classes(classes, listed, expected):
    assert names(classes, listed) == expected


def test_macro_f1_is_a_mean_over_the_same_classes_whatever_a_model_says():
    """A model that finds a class which the held-out rows lack is no worse than one that is wrong in any other way."""
    truth = ["b"] * 6 + ["t"] * 4
    says_b, says_m = (evaluate.macro_f1_of_rows(pairs(truth, ["b"] * 6 + ["t"] * 3 + [each])) for each in "bm")
    # Of b and t, 2 * right / (labelled + predicted); where m is said, b has no wrong one.
    assert says_b == pytest.approx((12 / 13 + 6 / 7) / 2)
    assert says_m == pytest.approx((1.0 + 6 / 7) / 2)
    assert evaluate.macro_f1_of_rows(pairs(truth, ["m"] * 10)) == 0.0


def test_rows_of_two_models_pair_up_whatever_classes_they_know():
    truth = ["sport", "10", "9", "sport"]
    one, other = pairs(truth, ["sport", "new", "9", "9"]), pairs(truth, ["old", "10", "9", "sport"])
    assert one[:, 0].tolist() == other[:, 0].tolist() == [2, 1, 0, 2]
    assert one[:, 1].tolist() == [2, 3, 0, 0]
    assert other[:, 1].tolist() == [3, 1, 0, 2]


def test_a_resample_without_a_rare_class_is_judged_on_the_classes_that_it_has():
    rows = pairs(["a"] * 9 + ["rare"], ["a"] * 9 + ["rare"])
    assert evaluate.macro_f1_of_rows(rows) == evaluate.macro_f1_of_rows(rows[:9]) == 1.0


def headlines(classes, each):
    rows = [
        {"headline_id": f"{name}-{number}", "story": "s", "category": name, "title": f"{name} word{number % 3}"}
        for name in classes
        for number in range(each)
    ]
    return [row | {"role": ("train", "validation", "holdout")[place % 3]} for place, row in enumerate(rows)]


def processed(root, rows, listed=()):
    tables = {"headlines": rows, "class_names": [{"category": own, "name": name} for own, name in listed]}
    for name, entries in tables.items():
        if entries:
            (root / name).mkdir(parents=True)
            pq.write_table(pa.Table.from_pylist(entries), root / name / "part-00000.parquet")
    process.process(root, root / "process", config=CONFIG)
    return Encoder.load(root / "process" / "features")


def test_the_classes_of_a_model_are_those_of_the_data_also_those_it_has_no_headline_to_learn_from(tmp_path):
    rows = headlines(("science & nature", "日本"), 30)
    rows += [{"headline_id": "x", "story": "s", "category": "evaluated only", "title": "x", "role": "holdout"}]
    encoder = processed(tmp_path, rows)
    assert encoder.classes == encoder.names == ("evaluated only", "science & nature", "日本")
    assert encoder.log_odds.shape == (encoder.ngram_count, 3)
    assert np.isfinite(encoder.log_odds).all()


def test_a_headline_counts_less_the_more_its_story_has(tmp_path):
    rows = headlines(("1", "2"), 30)
    for number, row in enumerate(row for row in rows if row["role"] == "train"):
        row["story"] = "large" if number < 16 else str(number)
    processed(tmp_path, rows)
    weights = EncodedHeadlines.load(tmp_path / "process" / "train").weights
    assert sorted(weights.tolist()) == [0.25] * 16 + [1.0] * 4


def test_names_that_were_uploaded_go_with_the_model(tmp_path):
    encoder = processed(tmp_path, headlines(("1", "2"), 30), listed=[("1", "World"), ("2", "Sports")])
    assert encoder.names == ("World", "Sports")


def test_of_many_headlines_some_are_judged_and_all_classes_known(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "JUDGED_HEADLINES", 4)
    encoder = processed(tmp_path, headlines(("1", "2"), 30))
    kept = {role: pq.read_metadata(tmp_path / "process" / role / "headlines.parquet").num_rows for role in ROLES}
    assert kept["train"] > 4 == kept["validation"] == kept["holdout"]
    assert encoder.classes == ("1", "2")


def test_many_classes_keep_fewer_n_grams_so_that_a_model_has_a_bound(monkeypatch):
    monkeypatch.setattr("recipes.headline_classifier.ngrams.counts.MAX_WEIGHTS", 60)
    counts = NgramCounts.empty(10)
    counts.add_word_ngrams([f"common w{number}" for number in range(10)], np.arange(10))
    kept, odds = counts.vocabulary(np.ones(10), min_df=1, max_size=1000, smoothing=0.5)
    assert len(kept) == 6
    assert odds.shape == (6, 10)


def test_a_confusion_matrix_of_a_hundred_classes_is_drawn_with_any_names():
    labels = [f"class $ {number} with a name that goes on and on" for number in range(100)]
    table = np.random.default_rng(1).integers(0, 9, (100, 100))
    assert plots.confusion_matrix(table, labels).startswith(b"\x89PNG")


def test_probabilities_are_lists_of_classes():
    found = by_class(np.asarray([[0.25, 0.75], [1.0, 0.0]]), ("b c", "日"))
    assert found.to_pylist()[0] == [{"category": "b c", "probability": 0.25}, {"category": "日", "probability": 0.75}]
    assert len(found) == 2
    assert by_class(np.empty((0, 2)), ("a", "b")).to_pylist() == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AT&amp;T&#39;s <b>profit</b>", ["at", "&", "t's", "profit"]),
        ("Bush #39;s quot;plan quot; ", ["bush's", '"', "plan", '"']),
        ("a < b; c > d", ["a", "<", "b", ";", "c", ">", "d"]),
        ("हिन्दी ख़बर", ["हिनदी", "खबर"]),
        ("R&D; more", ["r", "&", "d", ";", "more"]),
    ],
)
def test_markup_is_no_word_and_vowel_signs_are_letters(text, expected):
    assert tokens(text) == expected


def test_title_and_description_are_one_text():
    assert joined("Rates rise", "") == joined("Rates rise", None) == "Rates rise"
    assert joined("Rates rise", "The Fed acts") == "Rates rise. The Fed acts"
    assert without_markup("plain; text") == "plain; text"
