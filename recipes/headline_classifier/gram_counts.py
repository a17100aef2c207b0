"""Counts n-grams per class block by block, and weighs them; runs in the processing image, numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recipes.headline_classifier.features import Grams, Hashed


@dataclass
class GramCounts:
    """Of every n-gram seen: its hash (uint64, ascending) and the headlines of each class that hold it.

    Memory grows with the number of different n-grams, not with the number of headlines.
    """

    hashes: np.ndarray
    counts: np.ndarray

    @classmethod
    def empty(cls, classes: int) -> GramCounts:
        return cls(np.empty(0, dtype=np.uint64), np.empty((0, classes), dtype=np.int64))

    def add_word_grams(self, titles: Sequence[str], labels: np.ndarray) -> None:
        """Count words and pairs of words of some headlines of classes `labels`."""
        self._add(*Hashed.of(titles).word_grams(), labels)

    def add_character_grams(self, titles: Sequence[str], labels: np.ndarray) -> None:
        """Count runs of characters of some headlines of classes `labels`."""
        self._add(*Hashed.of(titles).character_grams(), labels)

    def _add(self, rows: np.ndarray, hashes: np.ndarray, labels: np.ndarray) -> None:
        distinct, place = np.unique(hashes, return_inverse=True)
        once = np.unique(rows * max(len(distinct), 1) + place)
        row, gram = once // max(len(distinct), 1), once % max(len(distinct), 1)
        classes = self.counts.shape[1]
        counts = np.bincount(gram * classes + labels[row], minlength=len(distinct) * classes).reshape(-1, classes)
        merged, place = np.unique(np.concatenate((self.hashes, distinct)), return_inverse=True)
        totals = np.zeros((len(merged), classes), dtype=np.int64)
        # Hashes are unique within either part, so that plain assignment loses nothing.
        totals[place[: len(self.hashes)]] = self.counts
        totals[place[len(self.hashes) :]] += counts
        self.hashes, self.counts = merged, totals

    def grams(self, per_class: np.ndarray, minimum: int, maximum: int, smoothing: float) -> tuple[Grams, np.ndarray]:
        """The `maximum` most frequent n-grams in at least `minimum` headlines, and their log odds [n-grams, classes].

        Weights are smoothed inverse document frequencies. The log odds of a class compare how often an n-gram occurs
        in its headlines and in all others (Wang and Manning 2012, "Baselines and Bigrams", section 2.1, with the
        Bernoulli estimate of each side). `per_class` is the number of headlines per class.
        """
        frequency = self.counts.sum(axis=1)
        kept = np.flatnonzero(frequency >= minimum)
        if len(kept) > maximum:
            kept = np.sort(kept[np.argsort(-frequency[kept], kind="stable")[:maximum]])
        frequency, inside, total = frequency[kept], self.counts[kept], int(per_class.sum())
        weights = np.log((1.0 + total) / (1.0 + frequency)) + 1.0
        here = (inside + smoothing) / (per_class + 2.0 * smoothing)
        elsewhere = (frequency[:, None] - inside + smoothing) / (total - per_class + 2.0 * smoothing)
        grams = Grams(hashes=self.hashes[kept], weights=weights.astype(np.float32))
        return grams, np.log(here / elsewhere).astype(np.float32)
