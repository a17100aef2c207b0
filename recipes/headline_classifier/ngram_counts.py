"""Counts n-grams per class block by block, and weighs them; runs in the processing image, numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recipes.headline_classifier.features import NgramVocabulary
from recipes.headline_classifier.ngram_hashing import NgramHasher


@dataclass
class NgramCounts:
    """Of every n-gram seen: its hash (uint64, ascending) and the headlines of each class that hold it.

    Memory grows with the number of different n-grams, not with the number of headlines.
    """

    hashes: np.ndarray
    counts: np.ndarray

    @classmethod
    def empty(cls, classes: int) -> NgramCounts:
        return cls(np.empty(0, dtype=np.uint64), np.empty((0, classes), dtype=np.int64))

    def add_word_ngrams(self, titles: Sequence[str], labels: np.ndarray) -> None:
        """Count words and pairs of words of some headlines of classes `labels`."""
        self._add(*NgramHasher.of(titles).word_ngrams(), labels=labels)

    def add_character_ngrams(self, titles: Sequence[str], labels: np.ndarray) -> None:
        """Count runs of characters of some headlines of classes `labels`."""
        self._add(*NgramHasher.of(titles).character_ngrams(), labels=labels)

    def _add(self, rows: np.ndarray, hashes: np.ndarray, *, labels: np.ndarray) -> None:
        distinct, index = np.unique(hashes, return_inverse=True)
        once = np.unique(rows * max(len(distinct), 1) + index)
        row, ngram = once // max(len(distinct), 1), once % max(len(distinct), 1)
        classes = self.counts.shape[1]
        counts = np.bincount(ngram * classes + labels[row], minlength=len(distinct) * classes).reshape(-1, classes)
        merged, index = np.unique(np.concatenate((self.hashes, distinct)), return_inverse=True)
        totals = np.zeros((len(merged), classes), dtype=np.int64)
        # Hashes are unique within either part, so that plain assignment loses nothing.
        totals[index[: len(self.hashes)]] = self.counts
        totals[index[len(self.hashes) :]] += counts
        self.hashes, self.counts = merged, totals

    def vocabulary(
        self, class_counts: np.ndarray, *, min_df: int, max_size: int, smoothing: float
    ) -> tuple[NgramVocabulary, np.ndarray]:
        """The `max_size` most frequent n-grams in at least `min_df` headlines, and their log odds [n-grams, classes].

        Weights are smoothed inverse document frequencies. The log odds of a class compare how often an n-gram occurs
        in its headlines and in all others (Wang and Manning 2012, "Baselines and Bigrams", section 2.1, with the
        Bernoulli estimate of each side). `class_counts` is the number of headlines per class.
        """
        frequency = self.counts.sum(axis=1)
        kept = np.flatnonzero(frequency >= min_df)
        if len(kept) > max_size:
            kept = np.sort(kept[np.argsort(-frequency[kept], kind="stable")[:max_size]])
        frequency, inside, total = frequency[kept], self.counts[kept], int(class_counts.sum())
        idf = np.log((1.0 + total) / (1.0 + frequency)) + 1.0
        here = (inside + smoothing) / (class_counts + 2.0 * smoothing)
        elsewhere = (frequency[:, None] - inside + smoothing) / (total - class_counts + 2.0 * smoothing)
        vocabulary = NgramVocabulary(hashes=self.hashes[kept], idf=idf.astype(np.float32))
        return vocabulary, np.log(here / elsewhere).astype(np.float32)
