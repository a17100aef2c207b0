"""Encoded headlines as arrays on disk, between process and train; numpy only."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from recipes.headline_classifier.features import Encoder, NgramBags
from trainyard.contract.training.growing_array import GrowingArray

# Headlines that are summed at a time, so that mapped arrays are never in memory as a whole.
BLOCK_HEADLINES = 50_000
ARRAYS = ("sequences", "labels", "weights", "indices", "values", "offsets")


@dataclass(frozen=True, kw_only=True)
class EncodedHeadlines:
    """Headlines as `sequences` [n, length] of word numbers and as bags of `ngrams`, with classes `labels` [n].

    `weights` [n] is how much each headline counts among those that are learned from: less where its story has many.
    """

    sequences: np.ndarray
    ngrams: NgramBags
    labels: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays that grow with the words."""
        return int(self.sequences.nbytes + self.ngrams.indices.nbytes + self.ngrams.values.nbytes)

    @classmethod
    def of(
        cls, encoder: Encoder, titles: Sequence[str], *, labels: np.ndarray, weights: np.ndarray | None = None
    ) -> EncodedHeadlines:
        """Encode headlines of known classes; without `weights`, all count alike."""
        weights = np.ones(len(titles), dtype=np.float32) if weights is None else weights
        return cls(sequences=encoder.sequences(titles), ngrams=encoder.ngrams(titles), labels=labels, weights=weights)

    def followed_by(self, other: EncodedHeadlines) -> EncodedHeadlines:
        """These headlines and then those, in memory."""
        return EncodedHeadlines(
            sequences=np.concatenate((self.sequences, other.sequences)),
            ngrams=self.ngrams.followed_by(other.ngrams),
            labels=np.concatenate((self.labels, other.labels)),
            weights=np.concatenate((self.weights, other.weights)),
        )

    def summed(self, shape: tuple[int, int], *, values: bool) -> np.ndarray:
        """How many headlines of each class hold an n-gram, or the sum of its `values` x weight of the headline.

        Float64 [n-grams, classes].
        """
        sums = np.zeros(shape[0] * shape[1])
        for start in range(0, len(self), BLOCK_HEADLINES):
            offsets = self.ngrams.offsets[start : start + BLOCK_HEADLINES + 1]
            block, lengths = slice(start, start + BLOCK_HEADLINES), np.diff(offsets)
            found = slice(offsets[0], offsets[-1])
            places = self.ngrams.indices[found].astype(np.int64) * shape[1] + np.repeat(self.labels[block], lengths)
            added = self.ngrams.values[found].astype(np.float64) * np.repeat(self.weights[block], lengths)
            np.add.at(sums, places, added if values else 1.0)
            self.release()
        return sums.reshape(shape)

    def release(self) -> None:
        """Give up the memory of what was read of mapped arrays; they are read again where they are needed."""
        for array in (self.sequences, self.ngrams.indices, self.ngrams.values):
            if isinstance(array, np.memmap):
                # numpy has no other way to it.
                array._mmap.madvise(mmap.MADV_DONTNEED)  # type: ignore[attr-defined]

    def save(self, directory: Path) -> None:
        """Write one .npy file per array."""
        with EncodedHeadlinesWriter(directory, length=self.sequences.shape[1]) as writer:
            writer.add(self)

    @classmethod
    def load(cls, directory: Path) -> EncodedHeadlines:
        """The arrays that `save` wrote, mapped rather than read into memory."""
        sequences, labels, weights, indices, values, offsets = (
            np.load(directory / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ARRAYS
        )
        return cls(
            sequences=sequences,
            labels=labels,
            weights=weights,
            ngrams=NgramBags(indices=indices, values=values, offsets=offsets),
        )


class EncodedHeadlinesWriter:
    """Writes encoded headlines of at most `length` words to a folder, some at a time."""

    def __init__(self, directory: Path, *, length: int) -> None:
        rows: tuple[tuple[int, ...], ...] = ((length,), (), (), (), (), ())
        types = (np.int32, np.int32, np.float32, np.int32, np.float32, np.int64)
        self._files = [
            GrowingArray(directory / f"{name}.npy", dtype, row=row)
            for name, dtype, row in zip(ARRAYS, types, rows, strict=True)
        ]
        self._files[-1].add(np.zeros(1))
        self._ngrams = 0

    def add(self, headlines: EncodedHeadlines) -> None:
        """Append some headlines."""
        ngrams = headlines.ngrams
        offsets = self._ngrams + ngrams.offsets[1:]
        arrays = (headlines.sequences, headlines.labels, headlines.weights, ngrams.indices, ngrams.values, offsets)
        for file, array in zip(self._files, arrays, strict=True):
            file.add(array)
        self._ngrams += len(ngrams.indices)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for each in self._files:
            each.close()
