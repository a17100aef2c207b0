"""Metrics of topic models: uniqueness and coherence of topics, and document completion; plain numpy.

Topics are judged as lists of words (TU, WETC, NPMI), models by what they say about one half of a held-out document from
the other half (completion gain). Evaluation and the report measure all of them, training validates with two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from recipes.neural_topic_model.features import Vocabulary
from recipes.neural_topic_model.words.cooccurrence import window_npmi
from recipes.neural_topic_model.words.word_vectors import WordVectors

Topics = Sequence[Sequence[str]]
NPMI_WINDOW = 10
UNIGRAM_FILE = "unigram.npz"
# A word that a model thinks impossible must not cost more than this weight of the unigram model allows.
UNIGRAM_WEIGHT = 0.05
BLOCK_DOCUMENTS = 1024


def topic_uniqueness(topics: Topics) -> float:
    """TU: the mean, over topics and their words, of one over the number of topics that list the word.

    From 1 / topics (all alike) to 1 (no word twice). Nan et al. 2019, "Topic Modeling with Wasserstein Autoencoders",
    section 4.3; also SageMaker's NTM.
    """
    count = Counter(word for topic in topics for word in topic)
    return float(np.mean([np.mean([1 / count[word] for word in topic]) for topic in topics]))


def embedding_coherence(topics: Topics, vectors: WordVectors) -> float:
    """WETC: the mean, over topics, of the mean cosine of the vectors of every two words of the topic.

    Ding et al. 2018, "Coherence-Aware Neural Topic Modeling", section 3.2 (pairwise form); SageMaker's NTM calls it
    `wetc`. Words without a vector are left out; a topic with fewer than two words that have one counts 0.
    """
    return float(np.mean([_mean_cosine(vectors.unit_vectors(topic)) for topic in topics]))


def npmi(topics: Topics, documents: Iterable[Sequence[str]], *, window: int | None = NPMI_WINDOW) -> np.ndarray:
    """NPMI coherence of each topic [topics]: the mean of `window_npmi` over every two of its words.

    Windows of 10 as in Roeder, Both and Hinneburg 2015, "Exploring the Space of Topic Coherence Measures" (C_NPMI).
    """
    index = {word: column for column, word in enumerate(dict.fromkeys(word for topic in topics for word in topic))}
    table = window_npmi(list(index), documents, window=window)
    return np.asarray([mean_pair(table, [index[word] for word in topic]) for topic in topics])


def mean_pair(table: np.ndarray, words: Sequence[int] | np.ndarray) -> float:
    """Mean of a table [words, words] over every two different ones of `words`; 0 for fewer than two."""
    rows = np.asarray(words)
    pairs = table[np.ix_(rows, rows)][np.triu_indices(len(words), 1)]
    return float(pairs.mean()) if len(pairs) else 0.0


class HasTopicShares(Protocol):
    """What gives probabilities of words by way of topics."""

    def topic_shares(self, counts: np.ndarray) -> np.ndarray:
        """Topics [documents, topics] of counts [documents, words]."""
        ...

    def word_probabilities(self, shares: np.ndarray) -> np.ndarray:
        """Words [documents, words] of topics [documents, topics]."""
        ...


class ProbabilisticTopicModel(HasTopicShares, Protocol):
    """A topic model with words: ours and its baselines."""

    @property
    def vocabulary(self) -> Vocabulary: ...


def completion_gains(
    model: ProbabilisticTopicModel, documents: Sequence[Sequence[str]], *, unigram: Mapping[str, float]
) -> np.ndarray:
    """Gain of each document [documents] in nats per word: 0 says no more than the frequency of words does.

    Topics are inferred from every other scored word of a document; the rest are scored by the mean of
    `log p(word | topics) / p(word)` (document completion: Wallach et al. 2009, "Evaluation Methods for Topic Models",
    section 5.1, divided by the unigram model so that collections compare). Words that a model does not know count 0:
    models with different vocabularies compare on the same words. Documents of fewer than two scored words gain 0.
    """
    scored = [[word for word in document if word in unigram] for document in documents]
    known = np.asarray([word in unigram for word in model.vocabulary.words], dtype=bool)
    frequency = np.asarray([unigram.get(word, 0.0) for word in model.vocabulary.words])
    gains = np.zeros(len(documents))
    for start in range(0, len(documents), BLOCK_DOCUMENTS):
        block = scored[start : start + BLOCK_DOCUMENTS]
        given = model.vocabulary.bags([words[::2] for words in block])
        probabilities = model.word_probabilities(model.topic_shares(given.dense(np.arange(len(block)))))
        ratio = _unigram_ratio(probabilities, known, frequency=frequency)
        for row, words in enumerate(block):
            rest = words[1::2]
            columns = [model.vocabulary.index[word] for word in rest if word in model.vocabulary.index]
            if columns:
                gains[start + row] = np.log(ratio[row, columns]).sum() / len(rest)
    return gains


@dataclass(frozen=True, kw_only=True)
class Halves:
    """Documents as counts [documents, words] of a half of their words, `given`, and of the others, `rest`."""

    given: np.ndarray
    rest: np.ndarray

    @classmethod
    def of(cls, counts: np.ndarray, *, seed: int) -> Halves:
        """Every word of a document at random in one half or the other."""
        given = random_half(counts, np.random.default_rng(seed))
        return cls(given=given, rest=counts - given)


def random_half(counts: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Of documents as counts [documents, words] each word, as often as it occurs, with a chance of one half."""
    half, places = np.zeros_like(counts), np.nonzero(counts)
    half[places] = random.binomial(counts[places].astype(np.int64), 0.5)
    return half


def completion_of_halves(model: HasTopicShares, halves: Halves, *, frequency: np.ndarray) -> np.ndarray:
    """`completion_gains` [documents] of counts in the model's own vocabulary, whose words have this frequency."""
    known = np.ones(len(frequency), dtype=bool)
    gains = np.zeros(len(halves.given))
    for start in range(0, len(gains), BLOCK_DOCUMENTS):
        block = slice(start, start + BLOCK_DOCUMENTS)
        probabilities = model.word_probabilities(model.topic_shares(halves.given[block]))
        logs, rest = np.log(_unigram_ratio(probabilities, known, frequency=frequency)), halves.rest[block]
        gains[block] = (logs * rest).sum(axis=1) / np.maximum(rest.sum(axis=1), 1.0)
    return gains


def load_unigram(directory: Path) -> dict[str, float]:
    """The words that are scored, with their share of all training words."""
    with np.load(directory / UNIGRAM_FILE, allow_pickle=False) as file:
        return dict(zip(file["words"].tolist(), file["share"].tolist(), strict=True))


def save_unigram(directory: Path, words: Sequence[str], *, share: np.ndarray) -> None:
    np.savez(directory / UNIGRAM_FILE, words=np.asarray(words, dtype=np.str_), share=share)


def _mean_cosine(unit: np.ndarray) -> float:
    count = len(unit)
    if count < 2:
        return 0.0
    return float((np.square(unit.sum(axis=0)).sum() - np.square(unit).sum()) / (count * (count - 1)))


def _unigram_ratio(probabilities: np.ndarray, known: np.ndarray, *, frequency: np.ndarray) -> np.ndarray:
    """p(word | topics) / p(word), the model's mass brought to that of the scored words it knows; 1 elsewhere."""
    scored = np.where(known, probabilities, 0.0)
    scored *= frequency.sum() / np.maximum(scored.sum(axis=1, keepdims=True), 1e-12)
    ratio = np.divide(scored, frequency, out=np.ones_like(scored), where=frequency > 0)
    return np.asarray((1.0 - UNIGRAM_WEIGHT) * ratio + UNIGRAM_WEIGHT)
