"""Bags of words as sparse rows, read and written by process, train and serve; numpy only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np

from trainyard.contract.training.growing_array import GrowingArray

SIZE_FILE, OFFSETS_FILE, WORDS_FILE, COUNTS_FILE = (
    f"bag_{name}.npy" for name in ("size", "offsets", "words", "counts")
)
# Entries that are counted at a time.
BLOCK_ENTRIES = 4_000_000


@dataclass(frozen=True, kw_only=True)
class BagsOfWords:
    """Counts of words as sparse rows: document `i` has `words[offsets[i] : offsets[i + 1]]`, each with its count.

    `words` are indices into a vocabulary of `size` words (int32), `counts` are float32; both may be mapped files.
    """

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
            offsets=self.offsets[: count + 1],
            words=self.words[:end],
            counts=self.counts[:end],
        )

    @cached_property
    def document_frequency(self) -> np.ndarray:
        """In how many documents each word of the vocabulary occurs, int64 [size]."""
        found = np.zeros(self.size, dtype=np.int64)
        for block in self._entry_blocks():
            found += np.bincount(self.words[block], minlength=self.size)
        return found

    @cached_property
    def word_frequency(self) -> np.ndarray:
        """How often each word of the vocabulary occurs, float64 [size]."""
        found = np.zeros(self.size)
        for block in self._entry_blocks():
            found += np.bincount(self.words[block], weights=self.counts[block], minlength=self.size)
        return found

    def _entry_blocks(self) -> Iterable[slice]:
        return (slice(start, start + BLOCK_ENTRIES) for start in range(0, len(self.words), BLOCK_ENTRIES))

    def save(self, directory: Path) -> None:
        """Write the four arrays."""
        with BagsWriter(directory, self.size) as writer:
            writer.add(self)

    @classmethod
    def load(cls, directory: Path) -> BagsOfWords:
        """What was written to a folder, mapped rather than read into memory."""
        words, counts = (np.load(directory / name, mmap_mode="r") for name in (WORDS_FILE, COUNTS_FILE))
        return cls(
            offsets=np.load(directory / OFFSETS_FILE),
            words=words,
            counts=counts,
            size=int(np.load(directory / SIZE_FILE)),
        )


class BagsWriter:
    """Writes bags of a vocabulary of `size` words to a folder, some documents at a time."""

    def __init__(self, directory: Path, size: int) -> None:
        np.save(directory / SIZE_FILE, np.int64(size))
        self._offsets = GrowingArray(directory / OFFSETS_FILE, np.int64)
        self._offsets.add(np.zeros(1))
        self._words = GrowingArray(directory / WORDS_FILE, np.int32)
        self._counts = GrowingArray(directory / COUNTS_FILE, np.float32)
        self._entries = 0

    def add(self, bags: BagsOfWords) -> None:
        """Append documents."""
        self._offsets.add(self._entries + bags.offsets[1:])
        self._words.add(bags.words)
        self._counts.add(bags.counts)
        self._entries += len(bags.words)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for each in (self._offsets, self._words, self._counts):
            each.close()


def unknown_words(bags: BagsOfWords, documents: Sequence[Sequence[str]]) -> dict[str, np.ndarray]:
    """Words of each document given as lemmas, and those of them that its bag lacks, as `SHARES` name them."""
    words = np.asarray([len(each) for each in documents], dtype=np.int64)
    rows = np.repeat(np.arange(len(words)), np.diff(bags.offsets))
    known = np.bincount(rows, bags.counts, minlength=len(words))
    return {"words": words, "unknown_words": words - known.astype(np.int64)}


def evenly_spread(total: int, count: int) -> np.ndarray:
    """At most `count` different numbers from 0 to below `total`, ascending and evenly spread."""
    return np.unique(np.linspace(0, total - 1, min(count, total)).round().astype(int))
