"""A trained topic model in numpy: topics of a document, words of a topic; for evaluate, report, score and serve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from recipes.neural_topic_model.documents.bags_of_words import BagsOfWords
from recipes.neural_topic_model.features import Vocabulary
from recipes.neural_topic_model.topics.mixture import MixtureTopics
from recipes.neural_topic_model.topics.names import topic_names

WEIGHTS_FILE = "weights.npz"
# So many documents have few of the words of a large vocabulary between them, and others cost nothing.
ROWS_PER_BLOCK = 64
# Names are made of so many first words of a topic.
NAMING_CANDIDATES = 50
RARE_WORD_PENALTY = 0.25
ARRAYS = (
    "idf",
    "hidden_kernel_1",
    "hidden_bias_1",
    "hidden_kernel_2",
    "hidden_bias_2",
    "mean_kernel",
    "mean_bias",
    "topic_words",
)
# Arrays of a model whose words were chosen, and of one that serves the mixture; models of earlier versions lack both.
WORD_ORDER = "word_order"
MIXTURE_ARRAYS = ("mixture_word_shares", "mixture_prior", "mixture_pseudo_words", "network_weight")
# The name of an array in the file, where it differs.
STORED_AS = {"idf": "importance"}


def encoder_inputs(counts: np.ndarray, idf: np.ndarray, *, vocabulary: int = 0) -> np.ndarray:
    """What the encoder reads: tf-idf weights, all rows of the same length [rows, words].

    The length makes the average entry near one half whatever the vocabulary; an empty document stays zero. Where
    columns of words that no document has are left out, `vocabulary` says how many there are with them.
    """
    weighted = tf_idf(counts, idf)
    length = np.linalg.norm(weighted, axis=1, keepdims=True)
    unit = np.divide(weighted, length, out=np.zeros_like(weighted), where=length > 0)
    return np.asarray(unit * (0.5 * np.sqrt(vocabulary or counts.shape[1])), dtype=np.float32)


def tf_idf(counts: np.ndarray, idf: np.ndarray) -> np.ndarray:
    """(1 + log count) times inverse document frequency where a word occurs, else 0 (Salton and Buckley 1988)."""
    weighted: np.ndarray = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * idf
    return np.asarray(weighted, dtype=np.float32)


def inverse_document_frequency(bags: BagsOfWords) -> np.ndarray:
    """Inverse document frequency of each word, float32 [words], at least a little so that no word vanishes."""
    share = np.maximum(bags.document_frequency, 1) / len(bags)
    return np.asarray(np.maximum(-np.log(share), 0.05), dtype=np.float32)


def ranked_words(topic_words: np.ndarray, idf: np.ndarray) -> np.ndarray:
    """All words of each topic [topics, words], the most relevant first: log-odds, with a small penalty on rare words.

    Training counts rare words for more than they occur; a step from that towards plain frequency makes topics read
    better (the trade-off of Sievert and Shirley 2014, "LDAvis", section 3.1).
    """
    order: np.ndarray = np.argsort(RARE_WORD_PENALTY * np.log(idf) - topic_words, axis=1, kind="stable")
    return order


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


@dataclass(frozen=True, kw_only=True)
class TopicModel:
    """Vocabulary and weights: the encoder's layers, and `topic_words` [topics, words], the log-odds of words.

    With a `mixture`, from whose topics the network was trained, topics are those of the mixture, and shares and
    probabilities are means of both, the network with a weight of `network_weight`, which validation chose.
    `word_order` [topics, some] are the first words of each topic; without it they are ranked by weight.
    """

    vocabulary: Vocabulary
    idf: np.ndarray
    hidden_kernel_1: np.ndarray
    hidden_bias_1: np.ndarray
    hidden_kernel_2: np.ndarray
    hidden_bias_2: np.ndarray
    mean_kernel: np.ndarray
    mean_bias: np.ndarray
    topic_words: np.ndarray
    mixture: MixtureTopics | None = None
    network_weight: float = 1.0
    word_order: np.ndarray | None = None

    @property
    def topics(self) -> int:
        """How many topics there are."""
        return len(self.topic_words)

    def topic_shares(self, counts: np.ndarray) -> np.ndarray:
        """Share of each topic in documents given as counts of words, float [documents, topics], rows add up to 1."""
        if not self.mixture:
            return self._network_shares(counts)
        shares = self.mixture.topic_shares(counts)
        if self.network_weight:
            shares += self.network_weight * (self._network_shares(counts) - shares)
        return shares

    def topic_shares_of(self, bags: BagsOfWords) -> np.ndarray:
        """`topic_shares` of many documents, in blocks of bounded memory."""
        blocks = [self.topic_shares(counts) for counts in bags.dense_blocks(ROWS_PER_BLOCK)]
        return np.concatenate([np.empty((0, self.topics), np.float32), *blocks])

    def word_probabilities(self, shares: np.ndarray) -> np.ndarray:
        """Probability of each word of documents with these shares [documents, words]."""
        if not self.mixture:
            return self._network_probabilities(shares)
        probabilities = self.mixture.word_probabilities(shares)
        if self.network_weight:
            probabilities += self.network_weight * (self._network_probabilities(shares) - probabilities)
        return probabilities

    def topic_probabilities(self) -> np.ndarray:
        """Probability of each word in each topic [topics, words]."""
        if self.mixture:
            return self.mixture.word_shares
        return self._network_probabilities(np.eye(self.topics, dtype=np.float32))

    def top_words(self, count: int) -> list[list[str]]:
        """The `count` first words of each topic."""
        return [[self.vocabulary.words[index] for index in row[:count]] for row in self._ranked]

    def top_weights(self, count: int) -> list[list[float]]:
        """Probabilities that belong to `top_words`."""
        probabilities = self.mixture.word_shares if self.mixture else _softmax(self.topic_words)
        return [probabilities[topic, row[:count]].tolist() for topic, row in enumerate(self._ranked)]

    def topic_names(self) -> list[str]:
        """A short name of each topic, unlike all others: its first words, where two of them are a phrase as such."""
        return topic_names(self.top_words(NAMING_CANDIDATES), self.vocabulary.phrases)

    def bags(self, documents: Sequence[Sequence[str]]) -> BagsOfWords:
        """Bags of documents given as lemmas, in this model's vocabulary."""
        return self.vocabulary.bags(documents)

    def _network_shares(self, counts: np.ndarray) -> np.ndarray:
        used = np.flatnonzero(counts.any(axis=0))
        inputs = encoder_inputs(counts[:, used], self.idf[used], vocabulary=len(self.idf))
        hidden = np.logaddexp(0, inputs @ self.hidden_kernel_1[used] + self.hidden_bias_1)
        hidden = np.logaddexp(0, hidden @ self.hidden_kernel_2 + self.hidden_bias_2)
        return _softmax(hidden @ self.mean_kernel + self.mean_bias)

    def _network_probabilities(self, shares: np.ndarray) -> np.ndarray:
        """Training weights a word's count by its inverse document frequency: its probability is divided by it again."""
        return _softmax(shares @ self.topic_words - np.log(self.idf))

    @cached_property
    def _ranked(self) -> np.ndarray:
        if self.word_order is not None:
            return self.word_order
        return ranked_words(self.topic_words, self.idf)

    def save(self, directory: Path) -> None:
        self.vocabulary.save(directory)
        arrays = {STORED_AS.get(name, name): getattr(self, name) for name in ARRAYS}
        if self.word_order is not None:
            arrays[WORD_ORDER] = self.word_order
        if self.mixture:
            numbers = (np.float64(each) for each in (self.mixture.pseudo_words, self.network_weight))
            parts = self.mixture.word_shares, self.mixture.prior, *numbers
            arrays |= dict(zip(MIXTURE_ARRAYS, parts, strict=True))
        np.savez(directory / WEIGHTS_FILE, **arrays)

    @classmethod
    def load(cls, directory: Path) -> TopicModel:
        with np.load(directory / WEIGHTS_FILE, allow_pickle=False) as file:
            network = {name: file[STORED_AS.get(name, name)] for name in ARRAYS}
            return cls(vocabulary=Vocabulary.load(directory), **network, **_chosen(file))


def _chosen(file: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """What validation chose, as far as the file of a model has it."""
    found: dict[str, Any] = {WORD_ORDER: file[WORD_ORDER]} if WORD_ORDER in file else {}
    if MIXTURE_ARRAYS[0] in file:
        words, prior, pseudo_words, weight = (file[name] for name in MIXTURE_ARRAYS)
        found["mixture"] = MixtureTopics(word_shares=words, prior=prior, pseudo_words=float(pseudo_words))
        found["network_weight"] = float(weight)
    return found
