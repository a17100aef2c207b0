"""LDA and NMF on the same bags of words, to compare the neural model with; runs in evaluation and in the report."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from gensim.models import LdaModel
from sklearn.decomposition import NMF
from sklearn.feature_extraction.text import TfidfTransformer

from recipes.neural_topic_model.bags_of_words import BagsOfWords
from recipes.neural_topic_model.features import Vocabulary

LDA_PASSES = 10
LDA_CHUNK = 2000
NMF_ITERATIONS = 400


@dataclass(frozen=True, kw_only=True)
class Lda:
    """gensim's LDA with learned priors (Hoffman, Blei and Bach 2010)."""

    vocabulary: Vocabulary
    model: Any

    @classmethod
    def fit(cls, bags: BagsOfWords, vocabulary: Vocabulary, *, topics: int, seed: int) -> Lda:
        model = LdaModel(
            _GensimCorpus(bags),
            num_topics=topics,
            id2word=dict(enumerate(vocabulary.words)),
            passes=LDA_PASSES,
            chunksize=LDA_CHUNK,
            alpha="auto",
            eta="auto",
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


def nmf_topics(bags: BagsOfWords, vocabulary: Vocabulary, *, topics: int, count: int, seed: int) -> list[list[str]]:
    """Words of the topics that non-negative matrix factorisation of tf-idf finds (Lee and Seung 1999)."""
    matrix = sp.csr_matrix((bags.counts, bags.words, bags.offsets), shape=(len(bags), bags.size))
    weighted = TfidfTransformer(sublinear_tf=True).fit_transform(matrix)
    # NNDSVD needs as many components as the data has dimensions at most.
    initialization = "nndsvd" if topics <= min(weighted.shape) else "random"
    model = NMF(topics, init=initialization, max_iter=NMF_ITERATIONS, tol=1e-3, random_state=seed).fit(weighted)
    return _top_words(model.components_, vocabulary, count=count)


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
