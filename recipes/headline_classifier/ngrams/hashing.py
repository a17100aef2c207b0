"""Hashes all n-grams of words and characters of many headlines at once; numpy only, for process, train and serve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from recipes.headline_classifier.texts.source_words import source_words
from recipes.headline_classifier.texts.tokenizer import tokens

CHARACTER_NGRAM_SIZES = (2, 3, 4, 5)
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
# Of a text, so that whole articles among headlines do not fill the memory.
MAX_LETTERS, MAX_WORDS = 10_000, 200
SPACE, LINE_FEED = ord(" "), ord("\n")


@dataclass(frozen=True, kw_only=True)
class NgramHasher:
    """Several titles as one array of code points `codes`, each title as ` word word \\n`, to hash all n-grams at once.

    `rows` numbers the title of each code point; `gap` is true where one is no letter of a word.

    An n-gram's hash is a polynomial of its code points over the integers modulo 2^64 (Karp and Rabin 1987), mixed by
    the finaliser of SplitMix64 (Steele et al. 2014): no Python loop runs per n-gram, and no n-gram is stored as text.
    """

    codes: np.ndarray
    rows: np.ndarray
    gap: np.ndarray

    @classmethod
    def of(cls, titles: Sequence[str], *, signs: bool = True) -> NgramHasher:
        return cls.of_words([tokens(title[:MAX_LETTERS], signs=signs)[:MAX_WORDS] for title in titles])

    @classmethod
    def of_words(cls, words: Sequence[Sequence[str]]) -> NgramHasher:
        """Titles of which the words are known."""
        text = "".join(f" {' '.join(each)} \n" for each in words)
        codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
        ends = codes == LINE_FEED
        return cls(codes=codes, rows=np.cumsum(ends) - ends, gap=ends | (codes == SPACE))

    def character_ngrams(self) -> tuple[np.ndarray, np.ndarray]:
        """Row and hash of every run of `CHARACTER_NGRAM_SIZES` characters inside a word and the spaces around it."""
        found = [self._runs(size) for size in CHARACTER_NGRAM_SIZES]
        return np.concatenate([rows for rows, _ in found]), np.concatenate([hashes for _, hashes in found])

    def _runs(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        count = max(len(self.codes) - size + 1, 0)
        inside = np.ones(count, dtype=bool)
        hashes = np.zeros(count, dtype=np.uint64)
        for offset in range(size):
            hashes = hashes * MULTIPLIER + self.codes[offset : offset + count]
            if 0 < offset < size - 1:
                inside &= ~self.gap[offset : offset + count]
        # At most one end is a gap, unless the run is a whole word; no run reaches over the end of a title.
        ends = self.codes == LINE_FEED
        inside &= ~ends[:count] & ~ends[size - 1 : size - 1 + count]
        if size == 2:
            inside &= ~(self.gap[:count] & self.gap[1 : 1 + count])
        return self.rows[:count][inside], mixed(hashes[inside] + np.uint64(size))

    def word_ngrams(self) -> tuple[np.ndarray, np.ndarray]:
        """Row and hash of every word and of every two neighbouring words of a title."""
        first = ~self.gap & np.concatenate(([True], self.gap[:-1]))
        starts, letters = np.flatnonzero(first), np.flatnonzero(~self.gap)
        if not len(starts):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint64)
        offset = letters - starts[(np.cumsum(first) - 1)[letters]]
        powers = np.cumprod(np.full(int(offset.max()) + 1, MULTIPLIER, dtype=np.uint64))
        words = mixed(np.add.reduceat(self.codes[letters] * powers[offset], np.flatnonzero(offset == 0)))
        rows = self.rows[starts]
        together = rows[1:] == rows[:-1]
        pairs = hashes_of_pairs(words)[together]
        return np.concatenate((rows, rows[1:][together])), np.concatenate((words, pairs))


def source_word_hashes(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Row and hash of every word of where some texts come from (see `texts.source_words`)."""
    words = [source_words(each) for each in texts]
    rows = np.repeat(np.arange(len(texts)), [len(each) for each in words])
    distinct = sorted(set().union(*words))
    hashes = np.asarray([_hash_of_text(each) for each in distinct], dtype=np.uint64)
    number = {word: number for number, word in enumerate(distinct)}
    return rows, hashes[[number[word] for each in words for word in each]] if distinct else hashes


def _hash_of_text(text: str) -> int:
    """The first 64 bits of a digest, which no other text is likely to have."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def hashes_of_pairs(words: np.ndarray) -> np.ndarray:
    """The hash of each two neighbouring words, from the hashes of words (uint64)."""
    return mixed(words[:-1] * MULTIPLIER + words[1:])


def mixed(hashes: np.ndarray) -> np.ndarray:
    """Hashes whose every bit depends on all bits of these (uint64)."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(hashes ^ (hashes >> np.uint64(31)))
