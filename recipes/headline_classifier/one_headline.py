"""The probabilities of one headline, as `inference.Classifier` gives them for many; serving, numpy only.

A classifier takes many headlines at once in many small numpy calls, which a single one pays for too: 260 us of them
against about 60 here. Of networks it knows `wide_and_deep` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt

import numpy as np

from recipes.headline_classifier.inference import Classifier, Network
from recipes.headline_classifier.ngrams.hashing import MAX_LETTERS, MAX_WORDS, hashes_of_pairs
from recipes.headline_classifier.ngrams.word_table import Word, WordTable
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
        idf = np.concatenate((encoder.word_ngrams.idf, encoder.character_ngrams.idf))
        return cls(classifier=classifier, words=WordTable(encoder), idf=idf)

    def probabilities(self, title: str) -> list[float]:
        """The probability of each class, in the order of `encoder.classes`."""
        if len(title) > MAX_LETTERS:
            return list(self.classifier.probabilities([title])[0].tolist())
        network = self.classifier.network
        found = self.words[tokens(title)[:MAX_WORDS]]
        deep = _deep(network, [word.number for word in found[: self.classifier.encoder.length]])
        logits = ((self._wide(found) + network.deep_weight * deep) / network.temperature).tolist()
        most = max(logits)
        raised = [exp(each - most) for each in logits]
        total = sum(raised)
        return [each / total for each in raised]

    def _wide(self, found: list[Word]) -> np.ndarray:
        """Logits [classes] of the n-grams, each counted once; those of words and of characters have length 1 each."""
        weights = self.classifier.network.weights
        if not found:
            return np.asarray(weights["wide_bias"], dtype=np.float64)
        numbers = np.concatenate([self._pairs(found), *(word.ngrams for word in found)])
        numbers.sort()
        numbers = numbers[np.concatenate(([True], numbers[1:] != numbers[:-1]))] if len(numbers) else numbers
        values = self.idf[numbers].astype(np.float64)
        first = int(np.searchsorted(numbers, len(self.classifier.encoder.word_ngrams)))
        for kind in (slice(None, first), slice(first, None)):
            values[kind] /= sqrt(values[kind] @ values[kind]) or 1.0
        return np.asarray(values @ weights["wide_table"][numbers] + weights["wide_bias"])

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
