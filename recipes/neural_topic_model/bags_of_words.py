"""Bags of words as sparse rows, read and written by process, train and serve; numpy only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

BAGS_FILE = "bags.npz"


@dataclass(frozen=True, kw_only=True)
class BagsOfWords:
    """Counts of words as sparse rows: document `i` has `words[offsets[i] : offsets[i + 1]]`, each with its count.

    `words` are indices into a vocabulary (int32), `counts` are float32, `keys` are the documents' stable keys.
    """

    keys: np.ndarray
    offsets: np.ndarray
    words: np.ndarray
    counts: np.ndarray
    size: int

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def dense(self, rows: np.ndarray) -> np.ndarray:
        """Counts of the given rows, float32 [rows, size]."""
        lengths = np.diff(self.offsets)[rows]
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        entries = np.repeat(self.offsets[rows], lengths) + within
        matrix = np.zeros((len(rows), self.size), dtype=np.float32)
        matrix[np.repeat(np.arange(len(rows)), lengths), self.words[entries]] = self.counts[entries]
        return matrix

    def dense_sample(self, count: int) -> np.ndarray:
        """`dense` of at most `count` documents, evenly spread over all."""
        return self.dense(evenly_spread(len(self), count))

    def dense_blocks(self, rows: int) -> Iterable[np.ndarray]:
        """All documents in order, densely, at most so many rows at a time."""
        for start in range(0, len(self), rows):
            yield self.dense(np.arange(start, min(start + rows, len(self))))

    def head(self, count: int) -> BagsOfWords:
        """The first `count` documents; they are sorted by a hash, so these are a fair sample."""
        count = min(count, len(self))
        end = self.offsets[count]
        return replace(
            self,
            keys=self.keys[:count],
            offsets=self.offsets[: count + 1],
            words=self.words[:end],
            counts=self.counts[:end],
        )

    @cached_property
    def document_frequency(self) -> np.ndarray:
        """In how many documents each word of the vocabulary occurs, int64 [size]."""
        return np.bincount(self.words, minlength=self.size)

    @cached_property
    def word_frequency(self) -> np.ndarray:
        """How often each word of the vocabulary occurs, float64 [size]."""
        return np.bincount(self.words, weights=self.counts, minlength=self.size)

    def save(self, directory: Path) -> None:
        np.savez(
            directory / BAGS_FILE,
            keys=self.keys,
            offsets=self.offsets,
            words=self.words,
            counts=self.counts,
            size=np.int64(self.size),
        )

    @classmethod
    def load(cls, directory: Path) -> BagsOfWords:
        with np.load(directory / BAGS_FILE, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("keys", "offsets", "words", "counts")}
            return cls(size=int(file["size"]), **arrays)


def evenly_spread(total: int, count: int) -> np.ndarray:
    """At most `count` different numbers from 0 to below `total`, ascending and evenly spread."""
    return np.unique(np.linspace(0, total - 1, min(count, total)).round().astype(int))
