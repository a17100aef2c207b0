"""Counts n-grams per class block by block, and weighs them; runs in the processing image, numpy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recipes.headline_classifier.features import NgramVocabulary
from recipes.headline_classifier.ngrams.hashing import NgramHasher, source_word_hashes

# Weights of n-grams of a kind, for all classes together: with many classes fewer n-grams are kept, so that neither
# memory nor the time of a training step grow with both.
MAX_WEIGHTS = 8_000_000
# N-grams of a class that wait to be counted.
LEAST_WAITING = 1_000_000


class NgramCounts:
    """Of the n-grams seen in each class: their hashes (uint64, ascending), and how many headlines hold each.

    Memory grows with the number of different n-grams of the classes, not with the number of headlines, nor with n-grams
    times classes: most n-grams occur in few of them.
    """

    def __init__(self, classes: int) -> None:
        self._hashes = [np.empty(0, np.uint64)] * classes
        self._counts = [np.empty(0, np.int64)] * classes
        # What waits is about as much as what is counted: each n-gram is sorted a few times, however many there are.
        self._waiting: list[list[np.ndarray]] = [[] for _ in range(classes)]
        self._waiting_lengths = [0] * classes

    @classmethod
    def empty(cls, classes: int) -> NgramCounts:
        """Before any headline."""
        return cls(classes)

    @property
    def hashes(self) -> list[np.ndarray]:
        """The n-grams of each class."""
        self._count_all()
        return self._hashes

    @property
    def counts(self) -> list[np.ndarray]:
        """How many headlines of each class hold each of its `hashes`."""
        self._count_all()
        return self._counts

    def add_word_ngrams(self, titles: Sequence[str], labels: np.ndarray) -> None:
        """Count words and pairs of words of some headlines of classes `labels`."""
        self._add(*NgramHasher.of(titles).word_ngrams(), labels=labels)

    def add_character_ngrams(self, titles: Sequence[str], labels: np.ndarray) -> None:
        """Count runs of characters of some headlines of classes `labels`."""
        self._add(*NgramHasher.of(titles).character_ngrams(), labels=labels)

    def add_source_words(self, texts: Sequence[str], labels: np.ndarray) -> None:
        """Count words of where some texts of classes `labels` come from."""
        self._add(*source_word_hashes(texts), labels=labels)

    def _add(self, rows: np.ndarray, hashes: np.ndarray, *, labels: np.ndarray) -> None:
        distinct, index = np.unique(hashes, return_inverse=True)
        once = np.unique(rows * max(len(distinct), 1) + index)
        row, ngram = once // max(len(distinct), 1), once % max(len(distinct), 1)
        classes = labels[row]
        for label in np.unique(classes).tolist():
            self._add_to_class(label, distinct[ngram[classes == label]])

    def _add_to_class(self, label: int, hashes: np.ndarray) -> None:
        self._waiting[label].append(hashes)
        self._waiting_lengths[label] += len(hashes)
        if self._waiting_lengths[label] > max(len(self._hashes[label]), LEAST_WAITING):
            self._count(label)

    def _count_all(self) -> None:
        for label, waiting in enumerate(self._waiting):
            if waiting:
                self._count(label)

    def _count(self, label: int) -> None:
        new, counts = np.unique(np.concatenate(self._waiting[label]), return_counts=True)
        self._waiting[label], self._waiting_lengths[label] = [], 0
        merged, index = np.unique(np.concatenate((self._hashes[label], new)), return_inverse=True)
        totals = np.zeros(len(merged), dtype=np.int64)
        # Hashes are unique within either part, so that plain assignment loses nothing.
        totals[index[: len(self._hashes[label])]] = self._counts[label]
        totals[index[len(self._hashes[label]) :]] += counts
        self._hashes[label], self._counts[label] = merged, totals

    def vocabulary(
        self, class_counts: np.ndarray, *, min_df: int, max_size: int, smoothing: float
    ) -> tuple[NgramVocabulary, np.ndarray]:
        """The `max_size` most frequent n-grams in at least `min_df` headlines, and their log odds [n-grams, classes].

        Weights are smoothed inverse document frequencies; for the log odds see `log_odds`. `class_counts` is the number
        of headlines per class. With so many classes that there would be more than `MAX_WEIGHTS` numbers, fewer n-grams
        are kept.
        """
        hashes, frequency = self._frequencies()
        kept = np.flatnonzero(frequency >= min_df)
        max_size = min(max_size, MAX_WEIGHTS // len(class_counts))
        if len(kept) > max_size:
            kept = np.sort(kept[np.argsort(-frequency[kept], kind="stable")[:max_size]])
        hashes, frequency, total = hashes[kept], frequency[kept], int(class_counts.sum())
        idf = np.log((1.0 + total) / (1.0 + frequency)) + 1.0
        odds = log_odds(self._inside(hashes), class_counts, smoothing=smoothing)
        return NgramVocabulary(hashes=hashes, idf=idf.astype(np.float32)), odds

    def _frequencies(self) -> tuple[np.ndarray, np.ndarray]:
        """Every n-gram seen, by ascending hash, and the headlines of all classes that hold it."""
        hashes = np.unique(np.concatenate(self.hashes))
        frequency = np.zeros(len(hashes), dtype=np.int64)
        for own, counts in zip(self.hashes, self.counts, strict=True):
            frequency[np.searchsorted(hashes, own)] += counts
        return hashes, frequency

    def _inside(self, hashes: np.ndarray) -> np.ndarray:
        """Headlines of each class that hold these n-grams [n-grams, classes]."""
        inside = np.zeros((len(hashes), len(self.hashes)), dtype=np.int64)
        for label, (own, counts) in enumerate(zip(self.hashes, self.counts, strict=True)):
            _, mine, theirs = np.intersect1d(hashes, own, assume_unique=True, return_indices=True)
            inside[mine, label] = counts[theirs]
        return inside


def log_odds(inside: np.ndarray, class_counts: np.ndarray, *, smoothing: float) -> np.ndarray:
    """How much likelier each n-gram is in headlines of a class than in all others (float32) [n-grams, classes].

    `inside` is how many headlines of each class hold the n-gram [n-grams, classes], of `class_counts` in all (Wang and
    Manning 2012, "Baselines and Bigrams", section 2.1, with the Bernoulli estimate of each side).
    """
    frequency, total = inside.sum(axis=1, keepdims=True), int(class_counts.sum())
    here = (inside + smoothing) / (class_counts + 2.0 * smoothing)
    elsewhere = (frequency - inside + smoothing) / (total - class_counts + 2.0 * smoothing)
    return np.asarray(np.log(here / elsewhere), dtype=np.float32)
