"""Words and n-grams of headlines, the same for process, train, evaluate, report and serve; numpy only.

Raw text in, numbers out: a model carries its tokenizer, so no caller has to know how headlines are taken apart.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

PADDING, UNKNOWN = 0, 1
FIRST_WORD = 2
WORDS_FILE = "words.json"
GRAMS_FILE = "grams.npz"
TOKEN = re.compile(r"\w+(?:'\w+)*|[$%&]")
# Several titles are hashed at a time in one array; this bounds its size.
BLOCK_TITLES = 5_000

WORD_GRAMS = (1, 2)
CHARACTER_GRAMS = (2, 3, 4, 5)
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
SPACE, LINE_FEED = ord(" "), ord("\n")


def tokens(text: str) -> list[str]:
    """The words of a text: lower case, without accents, digits and inner apostrophes kept, currency and percent too.

    >>> tokens("Fed's Yellen: 2% isn't a “Café” price")
    ["fed's", 'yellen', '2', '%', "isn't", 'a', 'cafe', 'price']
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("\u2019", "'"))
    return TOKEN.findall("".join(each for each in decomposed if not unicodedata.combining(each)))


@dataclass(frozen=True, kw_only=True)
class Bags:
    """Weighted n-grams of headlines: headline `i` has `indices[offsets[i] : offsets[i + 1]]` with such `values`."""

    indices: np.ndarray
    values: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def padded(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Indices (int32) and values (float32) of some headlines as matrices [rows, longest]; padding has value 0."""
        lengths = np.diff(self.offsets)[rows]
        within = np.arange(max(int(lengths.max(initial=1)), 1))
        valid = within < lengths[:, None]
        places = np.where(valid, self.offsets[rows][:, None] + within, 0)
        if not len(self.indices):
            return np.zeros(places.shape, np.int32), np.zeros(places.shape, np.float32)
        return np.where(valid, self.indices[places], 0), np.where(valid, self.values[places], np.float32(0.0))


@dataclass(frozen=True, kw_only=True)
class Grams:
    """One kind of n-grams that a model knows: their hashes (uint64, ascending) and inverse document frequencies."""

    hashes: np.ndarray
    weights: np.ndarray

    def __len__(self) -> int:
        return len(self.hashes)


@dataclass(frozen=True, kw_only=True)
class Features:
    """How headlines become numbers.

    `words` is the vocabulary of the word vectors, by falling frequency; `word_grams` and `character_grams` are what the
    wide part of the model counts. `ratios` [n-grams, classes] are the log odds of each n-gram per class (naive Bayes).
    """

    classes: tuple[str, ...]
    words: tuple[str, ...]
    word_grams: Grams
    character_grams: Grams
    ratios: np.ndarray
    length: int

    @cached_property
    def _index(self) -> Mapping[str, int]:
        return {word: place for place, word in enumerate(self.words, start=FIRST_WORD)}

    @property
    def grams(self) -> int:
        """How many n-grams there are in all."""
        return len(self.word_grams) + len(self.character_grams)

    def sequences(self, titles: Sequence[str]) -> np.ndarray:
        """Word numbers [titles, length] (int32): `PADDING` after the last word, `UNKNOWN` for words never seen."""
        encoded = np.full((len(titles), self.length), PADDING, dtype=np.int32)
        for row, title in enumerate(titles):
            found = [self._index.get(word, UNKNOWN) for word in tokens(title)[: self.length]]
            encoded[row, : len(found)] = found
        return encoded

    def bags(self, titles: Sequence[str]) -> Bags:
        """N-grams of each title, weighted by inverse document frequency; words and characters each have length 1."""
        blocks = [self._bags(titles[start : start + BLOCK_TITLES]) for start in range(0, len(titles), BLOCK_TITLES)]
        lengths = [np.diff(each.offsets) for each in blocks]
        return Bags(
            indices=np.concatenate([np.empty(0, np.int32), *(each.indices for each in blocks)]),
            values=np.concatenate([np.empty(0, np.float32), *(each.values for each in blocks)]),
            offsets=np.concatenate(([0], np.cumsum(np.concatenate([np.empty(0, np.int64), *lengths])))),
        )

    def _bags(self, titles: Sequence[str]) -> Bags:
        hashed = Hashed.of(titles)
        kinds = (
            (hashed.word_grams(), self.word_grams, 0),
            (hashed.character_grams(), self.character_grams, len(self.word_grams)),
        )
        parts = [_weighted(rows, hashes, grams, first) for (rows, hashes), grams, first in kinds]
        rows, indices, values = (np.concatenate(each) for each in zip(*parts, strict=True))
        order = np.argsort(rows, kind="stable")
        return Bags(
            indices=indices[order].astype(np.int32),
            values=values[order].astype(np.float32),
            offsets=np.searchsorted(rows[order], np.arange(len(titles) + 1)),
        )

    def save(self, directory: Path) -> None:
        """Write `words.json` and `grams.npz`."""
        words = {"classes": self.classes, "length": self.length, "words": self.words}
        (directory / WORDS_FILE).write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")
        np.savez_compressed(
            directory / GRAMS_FILE,
            allow_pickle=False,
            word_hashes=self.word_grams.hashes,
            word_weights=self.word_grams.weights,
            character_hashes=self.character_grams.hashes,
            character_weights=self.character_grams.weights,
            ratios=self.ratios,
        )

    @classmethod
    def load(cls, directory: Path) -> Features:
        words = json.loads((directory / WORDS_FILE).read_text(encoding="utf-8"))
        with np.load(directory / GRAMS_FILE) as saved:
            return cls(
                classes=tuple(words["classes"]),
                words=tuple(words["words"]),
                length=int(words["length"]),
                word_grams=Grams(hashes=saved["word_hashes"], weights=saved["word_weights"]),
                character_grams=Grams(hashes=saved["character_hashes"], weights=saved["character_weights"]),
                ratios=saved["ratios"],
            )


@dataclass(frozen=True, kw_only=True)
class Hashed:
    """Several titles as one array of code points, each title as ` word word \\n`, ready for hashing all at once.

    An n-gram's hash is a polynomial of its code points over the integers modulo 2^64 (Karp and Rabin 1987), mixed by
    the finaliser of SplitMix64 (Steele et al. 2014): no Python loop runs per n-gram, and no n-gram is stored as text.
    """

    codes: np.ndarray
    rows: np.ndarray
    gap: np.ndarray

    @classmethod
    def of(cls, titles: Sequence[str]) -> Hashed:
        text = "".join(f" {' '.join(tokens(title))} \n" for title in titles)
        codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
        ends = codes == LINE_FEED
        return cls(codes=codes, rows=np.cumsum(ends) - ends, gap=ends | (codes == SPACE))

    def character_grams(self) -> tuple[np.ndarray, np.ndarray]:
        """Row and hash of every run of characters inside a word and the spaces around it, for all `CHARACTER_GRAMS`."""
        found = [self._runs(size) for size in CHARACTER_GRAMS]
        return np.concatenate([rows for rows, _ in found]), np.concatenate([hashes for _, hashes in found])

    def _runs(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        count = max(len(self.codes) - size + 1, 0)
        inside = np.ones(count, dtype=bool)
        hashes = np.zeros(count, dtype=np.uint64)
        for place in range(size):
            hashes = hashes * MULTIPLIER + self.codes[place : place + count]
            if 0 < place < size - 1:
                inside &= ~self.gap[place : place + count]
        # At most one end is a gap, unless the run is a whole word; no run reaches over the end of a title.
        ends = self.codes == LINE_FEED
        inside &= ~ends[:count] & ~ends[size - 1 : size - 1 + count]
        if size == 2:
            inside &= ~(self.gap[:count] & self.gap[1 : 1 + count])
        return self.rows[:count][inside], _mixed(hashes[inside] + np.uint64(size))

    def word_grams(self) -> tuple[np.ndarray, np.ndarray]:
        """Row and hash of every word and of every two neighbouring words of a title."""
        first = ~self.gap & np.concatenate(([True], self.gap[:-1]))
        starts, letters = np.flatnonzero(first), np.flatnonzero(~self.gap)
        if not len(starts):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint64)
        place = letters - starts[(np.cumsum(first) - 1)[letters]]
        powers = np.cumprod(np.full(int(place.max()) + 1, MULTIPLIER, dtype=np.uint64))
        words = _mixed(np.add.reduceat(self.codes[letters] * powers[place], np.flatnonzero(place == 0)))
        rows = self.rows[starts]
        together = rows[1:] == rows[:-1]
        pairs = _mixed(words[:-1] * MULTIPLIER + words[1:])[together]
        return np.concatenate((rows, rows[1:][together])), np.concatenate((words, pairs))


def _mixed(hashes: np.ndarray) -> np.ndarray:
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(hashes ^ (hashes >> np.uint64(31)))


def _weighted(
    rows: np.ndarray, hashes: np.ndarray, grams: Grams, first: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, n-gram numbers from `first` on, and weights of the known n-grams, each once per row; rows have length 1."""
    if not len(grams) or not len(rows):
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    places = np.minimum(np.searchsorted(grams.hashes, hashes), len(grams) - 1)
    known = grams.hashes[places] == hashes
    pairs = np.unique(rows[known] * len(grams) + places[known])
    rows, places = pairs // len(grams), pairs % len(grams)
    weights = grams.weights[places]
    norms = np.sqrt(np.bincount(rows, weights=weights.astype(np.float64) ** 2))
    return rows, places + first, weights / norms[rows]
