"""What a model knows of single words, kept for headlines that are asked one at a time; serving, numpy only.

Most of the time of one headline would go into small numpy calls that find the n-grams of each word. Those do not depend
on the words around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from recipes.headline_classifier.features import Encoder, NgramVocabulary
from recipes.headline_classifier.ngrams.hashing import NgramHasher

# Words in the table from the start, the most frequent ones, and others that were asked for: about 400 bytes each.
FREQUENT_WORDS, OTHER_WORDS = 20_000, 10_000
# Longer words come from no language, and would need more room.
MAX_LETTERS = 40
BLOCK_WORDS = 5_000


class Word(NamedTuple):
    """Of a word: its hash, its number among the words with vectors, and the numbers of its n-grams (int64).

    `ngrams` are the word itself, where it is known, and all known runs of its characters.
    """

    hash: int
    number: int
    ngrams: np.ndarray


class WordTable:
    """Words by their text. Its size is bounded, whatever is asked: the words that were not there from the start go."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        frequent = encoder.words[:FREQUENT_WORDS]
        blocks = (frequent[start : start + BLOCK_WORDS] for start in range(0, len(frequent), BLOCK_WORDS))
        self._frequent = {word: entry for block in blocks for word, entry in self._found(block).items()}
        self._others: dict[str, Word] = {}

    def __getitem__(self, words: Sequence[str]) -> list[Word]:
        """The entry of each word."""
        frequent, others = self._frequent, self._others
        found = [frequent.get(word) or others.get(word) for word in words]
        if missing := [word for word, entry in zip(words, found, strict=True) if entry is None]:
            new = self._found(missing)
            self._keep(new)
            return [entry or new[word] for word, entry in zip(words, found, strict=True)]
        return [entry for entry in found if entry]

    def _keep(self, entries: dict[str, Word]) -> None:
        if len(self._others) + len(entries) > OTHER_WORDS:
            # In the place of the old one, which another thread may be reading.
            self._others = {}
        self._others.update((word, entry) for word, entry in entries.items() if len(word) <= MAX_LETTERS)

    def _found(self, words: Sequence[str]) -> dict[str, Word]:
        hasher = NgramHasher.of_words([[word] for word in words])
        hashes = hasher.word_ngrams()[1]
        kinds = (
            ((np.arange(len(words)), hashes), self.encoder.word_ngrams, 0),
            (hasher.character_ngrams(), self.encoder.character_ngrams, len(self.encoder.word_ngrams)),
        )
        parts = [_known(*found, vocabulary=vocabulary, first=first) for found, vocabulary, first in kinds]
        rows, numbers = (np.concatenate(each) for each in zip(*parts, strict=True))
        order = np.argsort(rows, kind="stable")
        ends = np.searchsorted(rows[order], np.arange(1, len(words)))
        entries = zip(words, hashes.tolist(), np.split(numbers[order], ends), strict=True)
        return {word: Word(own, self.encoder.word_number(word), ngrams.copy()) for word, own, ngrams in entries}


def _known(
    rows: np.ndarray, hashes: np.ndarray, *, vocabulary: NgramVocabulary, first: int
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and numbers, from `first` on, of the n-grams that are known."""
    if not len(vocabulary):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    known, places = vocabulary.places(hashes)
    return rows[known], places + first
