"""Scores of topics given as lists of words: WETC, TU and NPMI; plain numpy, for evaluation and the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from recipes.neural_topic_model.word_vectors import WordVectors

WINDOW = 10
Topics = Sequence[Sequence[str]]


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
    return float(np.mean([_mean_cosine(vectors.unit(topic)) for topic in topics]))


def _mean_cosine(unit: np.ndarray) -> float:
    count = len(unit)
    if count < 2:
        return 0.0
    return float((np.square(unit.sum(axis=0)).sum() - np.square(unit).sum()) / (count * (count - 1)))


def npmi(topics: Topics, documents: Iterable[Sequence[str]], window: int | None = WINDOW) -> np.ndarray:
    """NPMI of each topic [topics]: mean over every two of its words of `log(p(a, b) / (p(a) p(b))) / -log p(a, b)`.

    `p` is the share of sliding windows of `window` words (whole documents for None) in which words occur. Bouma 2009,
    "Normalized (Pointwise) Mutual Information in Collocation Extraction"; windows of 10 as in Roeder, Both and
    Hinneburg 2015, "Exploring the Space of Topic Coherence Measures" (C_NPMI). Two words that never meet count -1,
    their limit; a pair with a word that the documents do not have counts 0, for it says nothing.
    """
    index = {word: place for place, word in enumerate(dict.fromkeys(word for topic in topics for word in topic))}
    together, windows = _together(index, documents, window)
    alone = np.diag(together)
    table = _normalised(together / windows, alone / windows)
    return np.asarray([_mean_pair(table, [index[word] for word in topic]) for topic in topics])


def document_npmi(present: np.ndarray) -> np.ndarray:
    """NPMI of every two words [words, words] from which documents have them (0 or 1) [documents, words]."""
    together = present.T @ present / len(present)
    return _normalised(together.astype(np.float64), np.diag(together).astype(np.float64))


def _normalised(together: np.ndarray, alone: np.ndarray) -> np.ndarray:
    expected = np.outer(alone, alone)
    met = together > 0
    ratio = np.log(np.divide(together, expected, out=np.ones_like(together), where=met))
    # Two words that are in every window are as tied as can be: the limit is 1.
    surprise = -np.log(np.where(met & (together < 1), together, np.exp(-1.0)))
    value = np.where(together >= 1, 1.0, ratio / surprise)
    value = np.where(met, value, -1.0)
    return np.where(expected > 0, value, 0.0)


def _mean_pair(table: np.ndarray, words: Sequence[int]) -> float:
    pairs = table[np.ix_(words, words)][np.triu_indices(len(words), 1)]
    return float(pairs.mean()) if len(pairs) else 0.0


def _together(index: dict[str, int], documents: Iterable[Sequence[str]], window: int | None) -> tuple[np.ndarray, int]:
    """In how many windows every two words occur [words, words] (diagonal: each alone), and how many there are."""
    together = np.zeros((len(index), len(index)))
    windows = 0
    for document in documents:
        width = len(document) if window is None else min(window, len(document))
        if not width:
            continue
        windows += len(document) - width + 1
        places = [(place, index[word]) for place, word in enumerate(document) if word in index]
        _count_windows(together, places, len(document), width)
    return together, max(windows, 1)


def _count_windows(together: np.ndarray, places: list[tuple[int, int]], length: int, width: int) -> None:
    """Add a document's windows to `together`; only those near a word of interest are looked at."""
    if not places:
        return
    position = np.asarray([place for place, _ in places])
    words, column = np.unique([word for _, word in places], return_inverse=True)
    # A word at `place` is in the windows that start from place - width + 1 to place, as far as they exist.
    present = np.zeros((length - width + 2, len(words)), dtype=np.int32)
    np.add.at(present, (np.maximum(position - width + 1, 0), column), 1)
    np.add.at(present, (np.minimum(position, length - width) + 1, column), -1)
    inside = (np.cumsum(present, axis=0)[:-1] > 0).astype(np.float32)
    together[np.ix_(words, words)] += inside.T @ inside
