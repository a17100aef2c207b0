"""How the contract test runs neural_topic_model: small, quick, and with requests that it can answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from recipes.neural_topic_model import serve
from recipes.neural_topic_model.documents.corpus import HOLDOUT_CORPUS_FILE, load_lemmas
from recipes.neural_topic_model.inference import TopicModel

SIZE = 700
CHANGES = {
    "data": {"vector_size": 20, "demonstration_reviews": 2},
    "hyperparameters": {"topics": 8, "epochs": 6, "steps_per_epoch": 5, "hidden_units": 32},
}


def requests(_model_dir: Path) -> list[dict[str, object]]:
    return [
        {"text": "A dark roast with a bitter aroma, the grinder makes espresso of every bean."},
        {"text": "The puppy loves its leash and its kennel.", "title": "Happy dog", "count": 1},
        {"text": "?!"},
    ]


# The same rows together give the same bits.
BULK_IS_EXACT = True


def served_as(rows, model_dir, tables):
    """The scored rows and what the service answers to the same reviews, in terms of the answer without the words."""
    reviews = pq.read_table(tables / "reviews").slice(0, len(rows)).to_pylist()
    asked = [{"title": each["title"] or "", "text": each["text"] or "", "count": 3} for each in reviews]
    answers = serve.load(model_dir).predict(asked)
    for answer in answers:
        for topic in answer["topics"]:
            del topic["words"]
    for each in rows:
        assert each["shares"] == [] or abs(sum(each["shares"]) - 1) < 1e-6
        assert [each["topic"]] == [topic["topic"] for topic in each["topics"][:1]] or each["topics"] == []
    return [{"topics": each["topics"], "known_words": each["known_words"]} for each in rows], answers


def evaluated(model_dir: Path, holdout: Path):
    """Texts of held-out words, and the topics of all of them in one go."""
    model = TopicModel.load(model_dir)
    texts = [" ".join(each) for each in load_lemmas(holdout / HOLDOUT_CORPUS_FILE)[:300]]
    bags = model.bags([model.vocabulary.lemmatizer.lemmas(each) for each in texts])
    names, words = model.topic_names(), model.top_words(10)
    answers = []
    for row, shares in enumerate(model.topic_shares_of(bags)):
        known = int(np.diff(bags.offsets)[row])
        topics = [
            {"topic": int(t), "name": names[t], "share": float(shares[t]), "words": words[t]}
            for t in np.argsort(-shares, kind="stable")[:3]
        ]
        answers.append({"topics": topics if known else [], "known_words": known})
    return [{"text": each} for each in texts], answers
