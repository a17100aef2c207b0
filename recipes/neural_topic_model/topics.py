"""A trained topic model in plain numpy: topics of a document, words of a topic; for evaluate, report and serve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from recipes.neural_topic_model.features import Bags, Vocabulary

WEIGHTS_FILE = "weights.npz"
INFERENCE_ROWS = 2048
RARITY_HELD_BACK = 0.25
ARRAYS = (
    "importance",
    "hidden_kernel_1",
    "hidden_bias_1",
    "hidden_kernel_2",
    "hidden_bias_2",
    "mean_kernel",
    "mean_bias",
    "topic_words",
)


def encoder_input(counts: np.ndarray, importance: np.ndarray) -> np.ndarray:
    """What the encoder reads: log counts weighted by the words' importance, each row of one length [rows, words].

    The length makes the average entry near one half whatever the vocabulary; an empty document stays zero.
    """
    weighted = weighted_counts(counts, importance)
    length = np.linalg.norm(weighted, axis=1, keepdims=True)
    unit = np.divide(weighted, length, out=np.zeros_like(weighted), where=length > 0)
    return np.asarray(unit * (0.5 * np.sqrt(counts.shape[1])), dtype=np.float32)


def weighted_counts(counts: np.ndarray, importance: np.ndarray) -> np.ndarray:
    """(1 + log count) times importance where a word occurs, else 0: tf-idf, as in Salton and Buckley 1988."""
    weighted: np.ndarray = np.where(counts > 0, 1 + np.log(np.maximum(counts, 1)), 0) * importance
    return np.asarray(weighted, dtype=np.float32)


def importance_of(bags: Bags) -> np.ndarray:
    """Inverse document frequency of each word, float32 [words], at least a little so that no word vanishes."""
    share = np.maximum(bags.document_frequency, 1) / len(bags)
    return np.asarray(np.maximum(-np.log(share), 0.05), dtype=np.float32)


def ranked_words(topic_words: np.ndarray, importance: np.ndarray) -> np.ndarray:
    """All words of each topic [topics, words], the most telling first: log-odds, with rare words held back a little.

    Training counts rare words for more than they occur; a step from that towards plain frequency makes topics read
    better (the trade-off of Sievert and Shirley 2014, "LDAvis", section 3.1).
    """
    order: np.ndarray = np.argsort(RARITY_HELD_BACK * np.log(importance) - topic_words, axis=1, kind="stable")
    return order


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


@dataclass(frozen=True, kw_only=True)
class TopicModel:
    """Vocabulary and weights: the encoder's layers, and `topic_words` [topics, words], the log-odds of words."""

    vocabulary: Vocabulary
    importance: np.ndarray
    hidden_kernel_1: np.ndarray
    hidden_bias_1: np.ndarray
    hidden_kernel_2: np.ndarray
    hidden_bias_2: np.ndarray
    mean_kernel: np.ndarray
    mean_bias: np.ndarray
    topic_words: np.ndarray

    def shares(self, counts: np.ndarray) -> np.ndarray:
        """Share of each topic in documents given as counts of words, float [documents, topics], rows add up to 1."""
        hidden = np.logaddexp(0, encoder_input(counts, self.importance) @ self.hidden_kernel_1 + self.hidden_bias_1)
        hidden = np.logaddexp(0, hidden @ self.hidden_kernel_2 + self.hidden_bias_2)
        return _softmax(hidden @ self.mean_kernel + self.mean_bias)

    def shares_of(self, bags: Bags) -> np.ndarray:
        """`shares` of many documents, in blocks of bounded memory."""
        blocks = [self.shares(counts) for counts in bags.batches(INFERENCE_ROWS)]
        return np.concatenate([np.empty((0, len(self.topic_words))), *blocks])

    def word_probabilities(self, shares: np.ndarray) -> np.ndarray:
        """Probability of each word of documents with these shares [documents, words].

        Training counts a word as often as it is important, so its probability is divided by the importance again.
        """
        return _softmax(shares @ self.topic_words - np.log(self.importance))

    def top_words(self, count: int) -> list[list[str]]:
        """The `count` words of each topic with the highest weight, the highest first."""
        return [[self.vocabulary.words[index] for index in row[:count]] for row in self._ranked]

    def top_weights(self, count: int) -> list[list[float]]:
        """Probabilities that belong to `top_words`."""
        probabilities = _softmax(self.topic_words)
        return [probabilities[topic, row[:count]].tolist() for topic, row in enumerate(self._ranked)]

    def bags(self, documents: Sequence[Sequence[str]]) -> Bags:
        """Bags of documents given as lemmas, in this model's vocabulary."""
        return self.vocabulary.bags(documents)

    @cached_property
    def _ranked(self) -> np.ndarray:
        return ranked_words(self.topic_words, self.importance)

    def save(self, directory: Path) -> None:
        self.vocabulary.save(directory)
        np.savez(directory / WEIGHTS_FILE, **{name: getattr(self, name) for name in ARRAYS})

    @classmethod
    def load(cls, directory: Path) -> TopicModel:
        with np.load(directory / WEIGHTS_FILE, allow_pickle=False) as file:
            return cls(vocabulary=Vocabulary.load(directory), **{name: file[name] for name in ARRAYS})
