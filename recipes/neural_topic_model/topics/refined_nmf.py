"""Fits topics by matrix factorisation of tf-idf, refined into probabilities; runs in training and in evaluation.

The yardstick of the network, its start, and what is served where it says more about validation documents.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from recipes.neural_topic_model.documents.bags_of_words import BagsOfWords
from recipes.neural_topic_model.metrics import Halves, completion_of_halves
from recipes.neural_topic_model.topics.mixture import MixtureTopics
from trainyard.contract.lean.imports import lean

with lean():
    from sklearn.decomposition import NMF
    from sklearn.feature_extraction.text import TfidfTransformer

NMF_ITERATIONS = 400
# What topics take from the frequency of words: at the start, and in words per refinement.
FREQUENCY_SHARE, FREQUENCY_WORDS = 0.1, 20.0
SMOOTHING = 0.02
PSEUDO_WORDS = 2.0
# Tried on validation documents.
MOST_REFINEMENTS = 2
TRIED_PSEUDO_WORDS = (1.0, 2.0, 4.0)
BLOCK_DOCUMENTS = 1024


def word_shares(bags: BagsOfWords) -> np.ndarray:
    """Share of each word of the vocabulary in all words of the documents, above zero, float64 [words]."""
    frequency = np.maximum(bags.word_frequency, 0.5)
    return np.asarray(frequency / frequency.sum())


def nmf_components(counts: sp.csr_matrix, *, topics: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights of words [topics, words] by NMF of tf-idf (Lee and Seung 1999), and the idf of words [words].

    `counts` are those of words [documents, words].
    """
    tfidf = TfidfTransformer(sublinear_tf=True)
    weighted = tfidf.fit_transform(counts)
    # NNDSVD needs as many components as the data has dimensions at most.
    initialization = "nndsvd" if topics <= min(weighted.shape) else "random"
    model = NMF(topics, init=initialization, max_iter=NMF_ITERATIONS, tol=1e-3, random_state=seed)
    return model.fit(weighted).components_, tfidf.idf_


def refined_nmf(counts: np.ndarray, frequency: np.ndarray, *, topics: int, seed: int) -> MixtureTopics:
    """Topics of documents given as counts [documents, words]: NMF and one refinement.

    `frequency` is each word's share of all words [words], above zero.
    """
    return _refined(_start(counts, frequency, topics=topics, seed=seed), counts, frequency=frequency)


def refined_nmf_for(
    halves: Halves, counts: np.ndarray, *, frequency: np.ndarray, topics: int, seed: int
) -> MixtureTopics:
    """As `refined_nmf`, with as many refinements and as strong a prior as serve the validation `halves` best."""
    model = _start(counts, frequency, topics=topics, seed=seed)
    tried = []
    for _ in range(MOST_REFINEMENTS):
        model = _refined(model, counts, frequency=frequency)
        tried += [replace(model, pseudo_words=words) for words in TRIED_PSEUDO_WORDS]
    return max(tried, key=lambda each: float(completion_of_halves(each, halves, frequency=frequency).mean()))


def _start(counts: np.ndarray, frequency: np.ndarray, *, topics: int, seed: int) -> MixtureTopics:
    """Components of NMF as probabilities: the weight of a word without its idf, towards its frequency."""
    components, idf = nmf_components(sp.csr_matrix(counts), topics=topics, seed=seed)
    weights = (components + SMOOTHING * max(float(components.mean()), 1e-9)) / idf
    weights /= weights.sum(axis=1, keepdims=True)
    shares = (1.0 - FREQUENCY_SHARE) * weights + FREQUENCY_SHARE * frequency
    prior = np.full(topics, 1.0 / topics, dtype=np.float32)
    return MixtureTopics(word_shares=shares.astype(np.float32), prior=prior, pseudo_words=PSEUDO_WORDS)


def _refined(model: MixtureTopics, counts: np.ndarray, *, frequency: np.ndarray) -> MixtureTopics:
    """One step of expectation-maximisation (Hofmann 1999), with `FREQUENCY_WORDS` of every topic as usual.

    More steps make topics fit the training documents better and others worse.
    """
    expected = np.zeros(model.word_shares.shape)
    total = np.zeros(len(model.prior))
    for start in range(0, len(counts), BLOCK_DOCUMENTS):
        block = counts[start : start + BLOCK_DOCUMENTS]
        shares = model.topic_shares(block)
        expected += shares.T @ (block / model.word_probabilities(shares))
        total += shares.sum(axis=0)
    words = model.word_shares * expected + FREQUENCY_WORDS * frequency
    words /= words.sum(axis=1, keepdims=True)
    return replace(model, word_shares=words.astype(np.float32), prior=(total / total.sum()).astype(np.float32))
