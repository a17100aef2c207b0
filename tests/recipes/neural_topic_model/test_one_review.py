"""One review gets what many get, whichever members validation chose, and the table of words stays small."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recipes.neural_topic_model import score
from recipes.neural_topic_model.config import CONFIG
from recipes.neural_topic_model.features import Lemmatizer, Vocabulary
from recipes.neural_topic_model.inference import TopicModel
from recipes.neural_topic_model.serve import FEW, Predictor
from recipes.neural_topic_model.topics.mixture import MixtureTopics
from recipes.neural_topic_model.words import word_numbers
from recipes.neural_topic_model.words.word_numbers import UNKNOWN, WordNumbers
from trainyard.run.settings.overrides import override

TOPICS, UNITS = 4, 5
WORDS = ("bean", "coffee", "dog", "grinder", "leash", "puppy", "roast")
VOCABULARY = Vocabulary(words=WORDS, lemmatizer=Lemmatizer(stop_words=frozenset({"the", "and"}), min_letters=3))
TEXTS = [
    "The puppies love the leash &amp; the <b>DOGS</b>",
    "coffee coffee coffee, roasted beans and the grinder's bean",
    "roast",
    "nothing that anybody knows",
    "",
    "dogs and coffee " * 400,
]


def model(*, mixture: bool, network_weight: float) -> TopicModel:
    random = np.random.default_rng(2)
    shapes = {
        "hidden_kernel_1": (len(WORDS), UNITS),
        "hidden_bias_1": (UNITS,),
        "hidden_kernel_2": (UNITS, UNITS),
        "hidden_bias_2": (UNITS,),
        "mean_kernel": (UNITS, TOPICS),
        "mean_bias": (TOPICS,),
        "topic_words": (TOPICS, len(WORDS)),
    }
    topics = MixtureTopics(
        word_shares=random.dirichlet(np.ones(len(WORDS)), TOPICS).astype(np.float32),
        prior=random.dirichlet(np.ones(TOPICS)).astype(np.float32),
        pseudo_words=1.7,
    )
    return TopicModel(
        vocabulary=VOCABULARY,
        idf=random.uniform(0.1, 3, len(WORDS)).astype(np.float32),
        mixture=topics if mixture else None,
        network_weight=network_weight,
        **{name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()},
    )


@pytest.mark.parametrize(("mixture", "weight"), [(False, 1.0), (True, 0.0), (True, 0.3), (True, 1.0)])
def test_one_review_has_the_topics_that_it_has_among_many(mixture, weight):
    predictor = Predictor(model(mixture=mixture, network_weight=weight))
    rows = [{"text": each, "count": TOPICS} for each in TEXTS]
    assert len(rows) > FEW
    for row, expected in zip(rows, predictor.predict(rows), strict=True):
        (alone,) = predictor.predict([row])
        assert alone["known_words"] == expected["known_words"]
        assert [each["topic"] for each in alone["topics"]] == [each["topic"] for each in expected["topics"]]
        shares = [each["share"] for each in expected["topics"]]
        assert [each["share"] for each in alone["topics"]] == pytest.approx(shares, abs=1e-6)
    assert predictor.predict(rows[3:5]) == [{"topics": [], "known_words": 0}] * 2


def test_words_that_were_asked_for_take_no_more_room_than_they_may(monkeypatch):
    monkeypatch.setattr(word_numbers, "OTHER_WORDS", 10)
    table = WordNumbers(VOCABULARY)
    for number in range(50):
        asked = ["puppies", f"new{number}", "the", "y" * 1_000]
        assert table.of(asked) == [WORDS.index("puppy"), UNKNOWN, UNKNOWN, UNKNOWN]
        assert len(table._numbers) <= len(WORDS) + 2 + 10
    assert "y" * 1_000 not in table._numbers


def test_short_reviews_are_not_watched_and_unknown_words_are_counted(tmp_path):
    model(mixture=False, network_weight=1.0).save(tmp_path)
    (tmp_path / "ingest" / score.TABLE).mkdir(parents=True)
    titles = ["The dogs", None, "roast", "nothing", None, None]
    table = pa.table({"title": pa.array(titles, pa.string()), "text": pa.array(TEXTS)})
    pq.write_table(table, tmp_path / "ingest" / score.TABLE / "part-0.parquet")
    [found] = score.score(tmp_path, tmp_path / "ingest", config=override(CONFIG, {"data": {"min_words": 5}}))
    # Counted as prepare counts them: the title's words too.
    assert found["watched"].to_pylist() == [True, True, False, True, False, True]
    assert found["words"].to_pylist()[3] == found["unknown_words"].to_pylist()[3] > 0
    assert found["unknown_words"].to_pylist()[2] == 0
