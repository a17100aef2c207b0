"""Answers requests for the class of a headline, raw text in; runs in the training image, numpy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recipes.headline_classifier.inference import Classifier
from recipes.headline_classifier.one_headline import OneHeadline
from recipes.headline_classifier.requests import Classification, Headline
from recipes.headline_classifier.texts.tokenizer import joined
from trainyard.contract.request_rows import checked
from trainyard.contract.routes import INVOCATIONS, Route

# Headlines of a request up to which each is classified for itself.
FEW = 4


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """The classifier of a model; `single` does the same for one headline at a time, where the network allows it."""

    classifier: Classifier
    single: OneHeadline | None

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> list[Classification]:
        """One answer per row `{"title": "Fed raises rates"}`: category, its name, and the probability of each class.

        A row may have a `description`, a `url` and a `publisher` too, where the model learned from such. Raises BadRow,
        before anything is computed, for a row of another form.
        """
        found = checked(Headline, rows)
        titles = [joined(row.title, row.description, source=(row.url, row.publisher)) for row in found]
        if self.single and len(titles) <= FEW:
            return [self._answer(self.single.probabilities(each)) for each in titles]
        return [self._answer(each) for each in self.classifier.probabilities(titles).tolist()]

    def examples(self) -> list[dict[str, Any]]:
        """Rows that this model can answer."""
        return [{"title": "Fed raises interest rates"}, {"title": "New phone sets a sales record"}]

    def routes(self) -> tuple[Route, ...]:
        """The class of a headline."""
        route = Route(
            path="/classify",
            summary="The class of a headline, and the probability of every class.",
            row=Headline,
            response=Classification,
            answer=self.predict,
            example=self.examples()[0],
        )
        return route.at(INVOCATIONS), route

    def _answer(self, probabilities: list[float]) -> Classification:
        encoder, best = self.classifier.encoder, probabilities.index(max(probabilities))
        return {
            "category": encoder.classes[best],
            "name": encoder.names[best],
            "probabilities": dict(zip(encoder.classes, probabilities, strict=True)),
        }


def load(model_dir: Path) -> Predictor:
    """The predictor of a model folder; takes a fraction of a second."""
    classifier = Classifier.load(model_dir)
    return Predictor(classifier=classifier, single=OneHeadline.of(classifier))
