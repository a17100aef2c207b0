"""A quick run of headline_classifier for the contract test."""

from __future__ import annotations

from pathlib import Path

from recipes.headline_classifier import serve
from recipes.headline_classifier.evaluate import read_headlines
from recipes.headline_classifier.inference import Classifier

SIZE = 1500
CHANGES = {"hyperparameters": {"vector_size": 8, "vector_epochs": 1, "epochs": 3}}


def requests(model_dir: Path) -> list[dict[str, object]]:
    """Raw headlines: an ordinary one, one with words that no model knows, and one in another script."""
    return [{"title": "Bank Profit Beats Rates"}, {"title": "Zzyzx qwrtp"}, {"title": "日本の株価"}]


# The same rows together give the same bits.
BULK_IS_EXACT = True


def served_as(rows, model_dir, _tables):
    """The scored rows and what the service answers to the same headlines, in terms of the answer."""
    answers = serve.load(model_dir).predict([{"title": each["title"]} for each in rows])
    named = [
        {
            "category": each["category"],
            "name": each["category_name"],
            "probabilities": {one["category"]: one["probability"] for one in each["probabilities"]},
        }
        for each in rows
    ]
    assert all(
        each["probability"] == answer["probabilities"][answer["category"]]
        for each, answer in zip(rows, named, strict=True)
    )
    return named, answers


def evaluated(model_dir: Path, holdout: Path):
    """Held-out headlines, and the answers that evaluation's probabilities make."""
    titles = read_headlines(holdout)[0][:300]
    classifier = Classifier.load(model_dir)
    classes, names = classifier.encoder.classes, classifier.encoder.names
    answers = []
    for each in classifier.probabilities(titles):
        best = int(each.argmax())
        probabilities = dict(zip(classes, each.tolist(), strict=True))
        answers.append({"category": classes[best], "name": names[best], "probabilities": probabilities})
    return [{"title": title} for title in titles], answers
