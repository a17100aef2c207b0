"""The topics of one review, as `inference.TopicModel` gives them for many; serving, numpy only.

Of a single review, calls that prepare matrices of all words would take most of the time: here only its own words count.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np

from recipes.neural_topic_model.features import words_of
from recipes.neural_topic_model.inference import TopicModel
from recipes.neural_topic_model.topics.mixture import ITERATIONS, MixtureTopics
from recipes.neural_topic_model.words.word_numbers import UNKNOWN, WordNumbers


@dataclass(frozen=True, kw_only=True)
class _Mixture:
    """A mixture with the probabilities of a word side by side: `words` [words, topics]."""

    topics: MixtureTopics
    words: np.ndarray

    @classmethod
    def of(cls, topics: MixtureTopics) -> _Mixture:
        return cls(topics=topics, words=np.ascontiguousarray(topics.word_shares.T))

    def topic_shares(self, counts: Counter[int]) -> list[float]:
        """`MixtureTopics.topic_shares` of one document [topics]."""
        prior, pseudo_words = self.topics.prior, self.topics.pseudo_words
        own, total = self.words.take(list(counts), axis=0), counts.total() + pseudo_words
        seen = np.fromiter(counts.values(), dtype=np.float32, count=len(counts)) / np.float32(total)
        pseudo = (pseudo_words / total * prior).astype(np.float32)
        shares: np.ndarray = prior.astype(np.float32)
        for _ in range(ITERATIONS):
            shares *= (seen / own.dot(shares)).dot(own)
            shares += pseudo
        found: list[float] = shares.tolist()
        return found


@dataclass(frozen=True, kw_only=True)
class OneReview:
    """A model for one review at a time; `idf` are those of `model` as Python's numbers."""

    model: TopicModel
    numbers: WordNumbers
    idf: list[float]
    mixture: _Mixture | None

    @classmethod
    def of(cls, model: TopicModel) -> OneReview:
        """With all that a first request would have to wait for."""
        mixture = _Mixture.of(model.mixture) if model.mixture else None
        return cls(model=model, numbers=WordNumbers(model.vocabulary), idf=model.idf.tolist(), mixture=mixture)

    def topic_shares(self, text: str) -> tuple[list[float], int]:
        """The share of each topic, and how many different words of the text the model knows."""
        counts = Counter(self.numbers.of(words_of(text)))
        del counts[UNKNOWN]
        if not counts:
            return [], 0
        if self.mixture is None:
            return self._of_network(counts), len(counts)
        shares, weight = self.mixture.topic_shares(counts), self.model.network_weight
        if weight:
            network = self._of_network(counts)
            shares = [share + weight * (other - share) for share, other in zip(shares, network, strict=True)]
        return shares, len(counts)

    def _of_network(self, counts: Counter[int]) -> list[float]:
        """`TopicModel.topic_shares` of the network alone [topics]."""
        model, idf = self.model, self.idf
        weights = [(1.0 + log(times)) * idf[word] for word, times in counts.items()]
        scale = 0.5 * sqrt(len(idf)) / sqrt(sum(each * each for each in weights))
        inputs = np.array([scale * each for each in weights], dtype=np.float32)
        hidden = _softplus(inputs.dot(model.hidden_kernel_1.take(list(counts), axis=0)), model.hidden_bias_1)
        hidden = _softplus(hidden.dot(model.hidden_kernel_2), model.hidden_bias_2)
        logits = (hidden.dot(model.mean_kernel) + model.mean_bias).tolist()
        most = max(logits)
        powers = [exp(each - most) for each in logits]
        total = sum(powers)
        return [each / total for each in powers]


def _softplus(sums: np.ndarray, bias: np.ndarray) -> np.ndarray:
    sums += bias
    return np.asarray(np.logaddexp(0, sums, out=sums))
