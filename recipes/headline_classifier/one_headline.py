"""The probabilities of one headline, as `inference.Classifier` gives them for many; serving, numpy only.

A classifier takes many headlines at once in many small numpy calls, which a single one pays for too: 260 us of them
against about 60 here. Of networks it knows `wide_and_deep` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt

import numpy as np

from recipes.headline_classifier.inference import Classifier, Network
from recipes.headline_classifier.ngrams.hashing import MAX_LETTERS, MAX_WORDS, hashes_of_pairs, source_word_hashes
from recipes.headline_classifier.ngrams.word_table import Word, WordTable
from recipes.headline_classifier.texts.source_words import SEPARATOR
from recipes.headline_classifier.texts.tokenizer import tokens


@dataclass(frozen=True, kw_only=True)
class OneHeadline:
    """A classifier for one headline at a time; `idf` are the inverse document frequencies of all n-grams."""

    classifier: Classifier
    words: WordTable
    idf: np.ndarray

    @classmethod
    def of(cls, classifier: Classifier) -> OneHeadline | None:
        """None for a network of another architecture."""
        if not classifier.network.has_wide_part:
            return None
        encoder = classifier.encoder
        idf = np.concatenate([each.idf for each in encoder.vocabularies])
        return cls(classifier=classifier, words=WordTable(encoder), idf=idf)

    def probabilities(self, title: str) -> list[float]:
        """The probability of each class, in the order of `encoder.classes`."""
        if len(title) > MAX_LETTERS:
            return list(self.classifier.probabilities([title])[0].tolist())
        network = self.classifier.network
        found = self.words[tokens(title, signs=self.classifier.encoder.signs)[:MAX_WORDS]]
        deep = _deep(network, [word.number for word in found[: self.classifier.encoder.length]])
        logits = ((self._wide(found, self._source(title)) + network.deep_weight * deep) / network.temperature).tolist()
        most = max(logits)
        raised = [exp(each - most) for each in logits]
        total = sum(raised)
        return [each / total for each in raised]

    def _wide(self, found: list[Word], source: list[np.ndarray]) -> np.ndarray:
        """Logits [classes] of the n-grams, each counted once; those of each kind have length 1."""
        weights = self.classifier.network.weights
        if not found and not source:
            return np.asarray(weights["wide_bias"], dtype=np.float64)
        numbers = np.concatenate([self._pairs(found), *(word.ngrams for word in found), *source])
        numbers.sort()
        numbers = numbers[np.concatenate(([True], numbers[1:] != numbers[:-1]))] if len(numbers) else numbers
        values = self.idf[numbers].astype(np.float64)
        _, characters, from_source, _ = self.classifier.encoder.kind_starts
        first = int(np.searchsorted(numbers, characters))
        last = int(np.searchsorted(numbers, from_source)) if source else len(numbers)
        for kind in (slice(None, first), slice(first, last), slice(last, None))[: 3 if source else 2]:
            values[kind] /= sqrt(values[kind] @ values[kind]) or 1.0
        return np.asarray(values @ weights["wide_table"][numbers] + weights["wide_bias"])

    def _source(self, text: str) -> list[np.ndarray]:
        """Numbers of the known words of where the headline comes from, where there are any."""
        vocabulary = self.classifier.encoder.source_words
        if not len(vocabulary) or SEPARATOR not in text:
            return []
        return [vocabulary.places(source_word_hashes([text])[1])[1] + self.classifier.encoder.kind_starts[2]]

    def _pairs(self, found: list[Word]) -> np.ndarray:
        """Numbers of the known pairs of neighbouring words."""
        vocabulary = self.classifier.encoder.word_ngrams
        if len(found) < 2 or not len(vocabulary):
            return np.empty(0, dtype=np.int64)
        hashes = np.asarray([word.hash for word in found], dtype=np.uint64)
        return vocabulary.places(hashes_of_pairs(hashes))[1]


def _deep(network: Network, numbers: list[int]) -> np.ndarray:
    """Logits [classes] of the words with these numbers."""
    weights = network.weights
    total = weights["embedding"][numbers].sum(axis=0) / np.float32(sqrt(max(len(numbers), 1)))
    hidden = np.maximum(total @ weights["hidden_kernel"] + weights["hidden_bias"], 0.0)
    return np.asarray(hidden @ weights["deep_kernel"] + weights["deep_bias"], dtype=np.float64)
