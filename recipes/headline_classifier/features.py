"""Turns headlines into word numbers and n-grams, the same in process, train, evaluate, report and serve; numpy only.

Raw text in, numbers out: a model carries its vocabulary, so no caller has to know how headlines are taken apart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import Path

import numpy as np

from recipes.headline_classifier.classes import names
from recipes.headline_classifier.ngrams.hashing import NgramHasher, source_word_hashes
from recipes.headline_classifier.texts.tokenizer import tokens

PADDING, UNKNOWN = 0, 1
FIRST_WORD = 2
WORDS_FILE = "words.json"
NGRAMS_FILE = "grams.npz"
# Several titles are hashed at a time in one array; this bounds its size.
BLOCK_TITLES = 5_000


@dataclass(frozen=True, kw_only=True)
class NgramBags:
    """Weighted n-grams of headlines: headline `i` has `indices[offsets[i] : offsets[i + 1]]` with such `values`."""

    indices: np.ndarray
    values: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def rows(self) -> np.ndarray:
        """Of each n-gram, which headline holds it [n-grams of all headlines]."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def followed_by(self, other: NgramBags) -> NgramBags:
        """The bags of these headlines and then of those."""
        return NgramBags(
            indices=np.concatenate((self.indices, other.indices)),
            values=np.concatenate((self.values, other.values)),
            offsets=np.concatenate((self.offsets, self.offsets[-1] + other.offsets[1:])),
        )

    def padded(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Indices (int32) and values (float32) of some headlines as matrices [rows, longest]; padding has value 0."""
        lengths = np.diff(self.offsets)[rows]
        within = np.arange(max(int(lengths.max(initial=1)), 1))
        valid = within < lengths[:, None]
        found = np.where(valid, self.offsets[rows][:, None] + within, 0)
        if not len(self.indices):
            return np.zeros(found.shape, np.int32), np.zeros(found.shape, np.float32)
        return np.where(valid, self.indices[found], 0), np.where(valid, self.values[found], np.float32(0.0))


@dataclass(frozen=True, kw_only=True)
class NgramVocabulary:
    """One kind of n-grams that a model knows: their hashes (uint64, ascending) and inverse document frequencies."""

    hashes: np.ndarray
    idf: np.ndarray

    def __len__(self) -> int:
        return len(self.hashes)

    @classmethod
    def empty(cls) -> NgramVocabulary:
        """A kind of which a model knows nothing."""
        return cls(hashes=np.empty(0, np.uint64), idf=np.empty(0, np.float32))

    def places(self, hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which of some hashes are known, and the place of each of these; of a vocabulary that is not empty."""
        places = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        known = self.hashes[places] == hashes
        return known, places[known]


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """How headlines become numbers.

    `words` is the vocabulary of the word vectors, by falling frequency; `word_ngrams` and `character_ngrams` are what
    the wide part of the model counts, and `source_words`, where the data says where headlines come from. `log_odds`
    [n-grams, classes] are those of naive Bayes, in this order. `length` is the number of words that are read of a
    headline. `names` are what people call the classes. `signs` says whether punctuation is read.
    """

    classes: tuple[str, ...]
    words: tuple[str, ...]
    word_ngrams: NgramVocabulary
    character_ngrams: NgramVocabulary
    log_odds: np.ndarray
    length: int
    names: tuple[str, ...] = ()
    source_words: NgramVocabulary = field(default_factory=NgramVocabulary.empty)
    signs: bool = True

    def __post_init__(self) -> None:
        if not self.names:
            object.__setattr__(self, "names", names(self.classes))

    @cached_property
    def _index(self) -> Mapping[str, int]:
        return {word: index for index, word in enumerate(self.words, start=FIRST_WORD)}

    @property
    def ngram_count(self) -> int:
        """How many n-grams there are in all."""
        return self.kind_starts[-1]

    @property
    def vocabularies(self) -> tuple[NgramVocabulary, ...]:
        """The kinds of n-grams, in the order of their numbers; those of a kind have length 1 in each headline."""
        return self.word_ngrams, self.character_ngrams, self.source_words

    @cached_property
    def kind_starts(self) -> tuple[int, ...]:
        """The number of the first n-gram of each kind, and how many there are in all."""
        return tuple(accumulate((len(each) for each in self.vocabularies), initial=0))

    def word_number(self, word: str) -> int:
        """The number of a word, `UNKNOWN` for one never seen."""
        return self._index.get(word, UNKNOWN)

    def sequences(self, titles: Sequence[str]) -> np.ndarray:
        """Word numbers [titles, length] (int32): `PADDING` after the last word, `UNKNOWN` for words never seen."""
        encoded = np.full((len(titles), self.length), PADDING, dtype=np.int32)
        for row, title in enumerate(titles):
            found = [self.word_number(word) for word in tokens(title, signs=self.signs)[: self.length]]
            encoded[row, : len(found)] = found
        return encoded

    def unknown_words(self, sequences: np.ndarray) -> dict[str, np.ndarray]:
        """Of what `sequences` gives, the words that were never seen and all words [titles], as `SHARES` name them."""
        return {"unknown_words": (sequences == UNKNOWN).sum(axis=1), "words": (sequences != PADDING).sum(axis=1)}

    def ngrams(self, titles: Sequence[str]) -> NgramBags:
        """N-grams of each title, weighted by inverse document frequency; those of a kind have length 1."""
        blocks = [self._ngrams(titles[start : start + BLOCK_TITLES]) for start in range(0, len(titles), BLOCK_TITLES)]
        lengths = [np.diff(each.offsets) for each in blocks]
        return NgramBags(
            indices=np.concatenate([np.empty(0, np.int32), *(each.indices for each in blocks)]),
            values=np.concatenate([np.empty(0, np.float32), *(each.values for each in blocks)]),
            offsets=np.concatenate(([0], np.cumsum(np.concatenate([np.empty(0, np.int64), *lengths])))),
        )

    def _ngrams(self, titles: Sequence[str]) -> NgramBags:
        hasher = NgramHasher.of(titles, signs=self.signs)
        found = [hasher.word_ngrams(), hasher.character_ngrams()]
        found += [source_word_hashes(titles)] if len(self.source_words) else []
        kinds = zip(found, self.vocabularies, self.kind_starts, strict=False)
        parts = [_weighted(rows, hashes, vocabulary=known, first=first) for (rows, hashes), known, first in kinds]
        rows, indices, values = (np.concatenate(each) for each in zip(*parts, strict=True))
        order = np.argsort(rows, kind="stable")
        return NgramBags(
            indices=indices[order].astype(np.int32),
            values=values[order].astype(np.float32),
            offsets=np.searchsorted(rows[order], np.arange(len(titles) + 1)),
        )

    def save(self, directory: Path) -> None:
        """Write `words.json` and `grams.npz`."""
        words = {
            "classes": self.classes,
            "names": self.names,
            "length": self.length,
            "signs": self.signs,
            "words": self.words,
        }
        (directory / WORDS_FILE).write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")
        np.savez_compressed(
            directory / NGRAMS_FILE,
            allow_pickle=False,
            word_hashes=self.word_ngrams.hashes,
            word_weights=self.word_ngrams.idf,
            character_hashes=self.character_ngrams.hashes,
            character_weights=self.character_ngrams.idf,
            source_hashes=self.source_words.hashes,
            source_weights=self.source_words.idf,
            ratios=self.log_odds,
        )

    @classmethod
    def load(cls, directory: Path) -> Encoder:
        words = json.loads((directory / WORDS_FILE).read_text(encoding="utf-8"))
        with np.load(directory / NGRAMS_FILE) as saved:
            return cls(
                classes=tuple(words["classes"]),
                # Models from before other classes than the four of the original came without names.
                names=tuple(words.get("names", ())),
                words=tuple(words["words"]),
                length=int(words["length"]),
                # Models from before signs were read know none.
                signs=bool(words.get("signs", False)),
                word_ngrams=NgramVocabulary(hashes=saved["word_hashes"], idf=saved["word_weights"]),
                character_ngrams=NgramVocabulary(hashes=saved["character_hashes"], idf=saved["character_weights"]),
                # Models from before words of addresses have none.
                source_words=NgramVocabulary(hashes=saved["source_hashes"], idf=saved["source_weights"])
                if "source_hashes" in saved
                else NgramVocabulary.empty(),
                log_odds=saved["ratios"],
            )


def _weighted(
    rows: np.ndarray, hashes: np.ndarray, *, vocabulary: NgramVocabulary, first: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, n-gram numbers from `first` on, and weights of the known n-grams, each once per row; rows have length 1."""
    if not len(vocabulary) or not len(rows):
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    known, places = vocabulary.places(hashes)
    pairs = np.unique(rows[known] * len(vocabulary) + places)
    rows, indices = pairs // len(vocabulary), pairs % len(vocabulary)
    weights = vocabulary.idf[indices]
    norms = np.sqrt(np.bincount(rows, weights=weights.astype(np.float64) ** 2))
    return rows, indices + first, weights / norms[rows]
