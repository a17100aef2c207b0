"""Encoded headlines as arrays on disk, between process and train; numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recipes.headline_classifier.features import Encoder, NgramBags

# Headlines that are summed at a time, so that mapped arrays are never in memory as a whole.
BLOCK_HEADLINES = 50_000
ARRAYS = ("sequences", "labels", "indices", "values", "offsets")


@dataclass(frozen=True, kw_only=True)
class EncodedHeadlines:
    """Headlines as `sequences` [n, length] of word numbers and as bags of `ngrams`, with classes `labels` [n]."""

    sequences: np.ndarray
    ngrams: NgramBags
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def of(cls, encoder: Encoder, titles: Sequence[str], *, labels: np.ndarray) -> EncodedHeadlines:
        """Encode headlines of known classes."""
        return cls(sequences=encoder.sequences(titles), ngrams=encoder.ngrams(titles), labels=labels)

    def followed_by(self, other: EncodedHeadlines) -> EncodedHeadlines:
        """These headlines and then those, in memory."""
        return EncodedHeadlines(
            sequences=np.concatenate((self.sequences, other.sequences)),
            ngrams=self.ngrams.followed_by(other.ngrams),
            labels=np.concatenate((self.labels, other.labels)),
        )

    def summed(self, shape: tuple[int, int], *, values: bool) -> np.ndarray:
        """How many headlines of each class hold an n-gram, or the sum of its `values`: float64 [n-grams, classes]."""
        sums = np.zeros(shape[0] * shape[1])
        for start in range(0, len(self), BLOCK_HEADLINES):
            offsets = self.ngrams.offsets[start : start + BLOCK_HEADLINES + 1]
            labels = np.repeat(self.labels[start : start + BLOCK_HEADLINES], np.diff(offsets))
            found = slice(offsets[0], offsets[-1])
            places = self.ngrams.indices[found].astype(np.int64) * shape[1] + labels
            np.add.at(sums, places, self.ngrams.values[found].astype(np.float64) if values else 1.0)
        return sums.reshape(shape)

    def save(self, directory: Path) -> None:
        """Write one .npy file per array."""
        arrays = (self.sequences, self.labels, self.ngrams.indices, self.ngrams.values, self.ngrams.offsets)
        for name, array in zip(ARRAYS, arrays, strict=True):
            np.save(directory / f"{name}.npy", array, allow_pickle=False)

    @classmethod
    def load(cls, directory: Path) -> EncodedHeadlines:
        """The arrays that `save` wrote, mapped rather than read into memory."""
        sequences, labels, indices, values, offsets = (
            np.load(directory / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ARRAYS
        )
        return cls(
            sequences=sequences, labels=labels, ngrams=NgramBags(indices=indices, values=values, offsets=offsets)
        )
