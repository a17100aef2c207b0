"""Turns review text into lemmas and bags of words, the same in every stage and in serving; no TensorFlow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import simplemma

VOCABULARY_FILE = "vocabulary.json"
BAGS_FILE = "bags.npz"
LANGUAGE = "en"
# Mark-up, links and character references are no words.
NOT_TEXT = re.compile(r"<[^>]{1,200}>|https?://\S+|&[a-z]+;|&#\d+;")
# Letters of any alphabet, with what follows an apostrophe, which is cut off: don't -> don, which is a stop word.
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


@lru_cache(maxsize=2**18)
def _lemma(word: str) -> str:
    return simplemma.lemmatize(word, lang=LANGUAGE).lower()


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads text into lemmas; the rules travel with the model, so that serving reads as training did."""

    stop_words: frozenset[str]
    min_letters: int

    def lemmas(self, text: str) -> list[str]:
        """The lemmas of a text in order, without stop words, short words, digits and mark-up."""
        plain = NOT_TEXT.sub(" ", text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
        found = []
        for match in WORD.finditer(plain):
            word = match.group().partition("'")[0]
            if len(word) < self.min_letters or word in self.stop_words:
                continue
            lemma = _lemma(word)
            if len(lemma) >= self.min_letters and lemma not in self.stop_words:
                found.append(lemma)
        return found


@dataclass(frozen=True, kw_only=True)
class Bags:
    """Bags of words as sparse rows: document `i` has `words[offsets[i] : offsets[i + 1]]`, each with its count.

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
        place = np.repeat(self.offsets[rows], lengths) + within
        matrix = np.zeros((len(rows), self.size), dtype=np.float32)
        matrix[np.repeat(np.arange(len(rows)), lengths), self.words[place]] = self.counts[place]
        return matrix

    def batches(self, size: int) -> Iterable[np.ndarray]:
        """All documents in order as dense blocks of at most `size` rows."""
        for start in range(0, len(self), size):
            yield self.dense(np.arange(start, min(start + size, len(self))))

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
    def load(cls, directory: Path) -> Bags:
        with np.load(directory / BAGS_FILE, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("keys", "offsets", "words", "counts")}
            return cls(size=int(file["size"]), **arrays)


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The words a model knows, in alphabetical order, and the reader that finds them in text."""

    words: tuple[str, ...]
    reader: Reader

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def index(self) -> Mapping[str, int]:
        return {word: index for index, word in enumerate(self.words)}

    def bags(self, documents: Sequence[Sequence[str]], keys: Sequence[str] | None = None) -> Bags:
        """Bags of the known words of documents given as lemmas; a document of unknown words has an empty bag."""
        known = [[self.index[word] for word in document if word in self.index] for document in documents]
        rows = [np.unique(np.asarray(each, dtype=np.int32), return_counts=True) for each in known]
        lengths = [len(words) for words, _ in rows]
        return Bags(
            keys=np.asarray(range(len(documents)) if keys is None else keys, dtype=np.str_),
            offsets=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
            words=np.concatenate([np.empty(0, np.int32), *(words for words, _ in rows)]).astype(np.int32),
            counts=np.concatenate([np.empty(0), *(counts for _, counts in rows)]).astype(np.float32),
            size=len(self),
        )

    def save(self, directory: Path) -> None:
        document = {
            "words": self.words,
            "stop_words": sorted(self.reader.stop_words),
            "min_letters": self.reader.min_letters,
        }
        (directory / VOCABULARY_FILE).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Vocabulary:
        document = json.loads((directory / VOCABULARY_FILE).read_text(encoding="utf-8"))
        reader = Reader(stop_words=frozenset(document["stop_words"]), min_letters=document["min_letters"])
        return cls(words=tuple(document["words"]), reader=reader)
