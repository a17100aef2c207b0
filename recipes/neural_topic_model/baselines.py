"""LDA and NMF on the same bags of words, to compare the neural model with; runs in evaluation and in the report.

What fitting costs does not grow with the collection: large ones are seen in part, or fewer times.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from recipes.neural_topic_model.documents.bags_of_words import BagsOfWords
from recipes.neural_topic_model.features import Vocabulary
from recipes.neural_topic_model.topics.mixture import MixtureTopics
from recipes.neural_topic_model.topics.refined_nmf import nmf_components, refined_nmf, word_shares
from recipes.neural_topic_model.topics.top_words import relevance
from trainyard.contract.lean.imports import lean

with lean():
    from gensim.models import LdaModel

MAX_DOCUMENTS = 10_000
LDA_PASSES = 10
# Documents that LDA reads in all passes together.
LDA_VISITS = 60_000
LDA_CHUNK = 2000


@dataclass(frozen=True, kw_only=True)
class Lda:
    """gensim's LDA with learned priors (Hoffman, Blei and Bach 2010)."""

    vocabulary: Vocabulary
    model: Any

    @classmethod
    def fit(cls, bags: BagsOfWords, vocabulary: Vocabulary, *, topics: int, seed: int, visits: int = LDA_VISITS) -> Lda:
        """On `MAX_DOCUMENTS` at most, in `LDA_PASSES` or as many as make `visits` of documents."""
        some = bags.head(MAX_DOCUMENTS)
        model = LdaModel(
            _GensimCorpus(some),
            num_topics=topics,
            id2word=dict(enumerate(vocabulary.words)),
            passes=int(np.clip(visits // max(len(some), 1), 1, LDA_PASSES)),
            chunksize=LDA_CHUNK,
            alpha="auto",
            eta="auto",
            # Perplexity is for gensim's log, and would take longer than the fit.
            eval_every=None,
            random_state=seed,
        )
        return cls(vocabulary=vocabulary, model=model)

    def top_words(self, count: int) -> list[list[str]]:
        return _top_words(self.model.get_topics(), self.vocabulary, count=count)

    def topic_shares(self, counts: np.ndarray) -> np.ndarray:
        gamma, _ = self.model.inference([_pairs(row) for row in counts])
        return np.asarray(gamma / gamma.sum(axis=1, keepdims=True))

    def word_probabilities(self, shares: np.ndarray) -> np.ndarray:
        return np.asarray(shares @ self.model.get_topics())


@dataclass(frozen=True, kw_only=True)
class RefinedNmf:
    """Topics of `refined_nmf`, nothing about them chosen on validation documents."""

    vocabulary: Vocabulary
    model: MixtureTopics
    frequency: np.ndarray

    @classmethod
    def fit(cls, bags: BagsOfWords, vocabulary: Vocabulary, *, topics: int, seed: int) -> RefinedNmf:
        """On `MAX_DOCUMENTS` at most."""
        frequency = word_shares(bags)
        model = refined_nmf(bags.dense_sample(MAX_DOCUMENTS), frequency, topics=topics, seed=seed)
        return cls(vocabulary=vocabulary, model=model, frequency=frequency)

    def top_words(self, count: int) -> list[list[str]]:
        return _top_words(relevance(self.model.word_shares, self.frequency), self.vocabulary, count=count)

    def topic_shares(self, counts: np.ndarray) -> np.ndarray:
        return self.model.topic_shares(counts)

    def word_probabilities(self, shares: np.ndarray) -> np.ndarray:
        return self.model.word_probabilities(shares)


def nmf_topics(bags: BagsOfWords, vocabulary: Vocabulary, *, topics: int, count: int, seed: int) -> list[list[str]]:
    """Words of the topics that non-negative matrix factorisation of tf-idf finds in `MAX_DOCUMENTS` at most."""
    some = bags.head(MAX_DOCUMENTS)
    matrix = sp.csr_matrix((some.counts, some.words, some.offsets), shape=(len(some), some.size))
    components, _ = nmf_components(matrix, topics=topics, seed=seed)
    return _top_words(components, vocabulary, count=count)


class _GensimCorpus:
    """Bags as gensim reads them, one document at a time."""

    def __init__(self, bags: BagsOfWords) -> None:
        self._bags = bags

    def __len__(self) -> int:
        return len(self._bags)

    def __iter__(self) -> Iterator[list[tuple[int, float]]]:
        offsets, words, counts = self._bags.offsets, self._bags.words, self._bags.counts
        for start, end in itertools.pairwise(offsets):
            yield list(zip(words[start:end].tolist(), counts[start:end].tolist(), strict=True))


def _pairs(counts: np.ndarray) -> list[tuple[int, float]]:
    words = np.flatnonzero(counts)
    return list(zip(words.tolist(), counts[words].tolist(), strict=True))


def _top_words(weights: np.ndarray, vocabulary: Vocabulary, *, count: int) -> list[list[str]]:
    ranked = np.argsort(-weights, axis=1, kind="stable")[:, :count]
    return [[vocabulary.words[index] for index in row] for row in ranked]
