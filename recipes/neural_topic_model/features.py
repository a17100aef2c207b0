"""Turns review text into lemmas and bags of words, the same in every stage and in serving; no TensorFlow."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import simplemma

from recipes.neural_topic_model.bags_of_words import BagsOfWords

VOCABULARY_FILE = "vocabulary.json"
LANGUAGE = "en"
# Tags, links and character references are no words.
MARKUP = re.compile(r"<[^>]{1,200}>|https?://\S+|&[a-z]+;|&#\d+;")
# Letters of any alphabet, with what follows an apostrophe, which is cut off: don't -> don, which is a stop word.
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


@lru_cache(maxsize=2**18)
def _lemma(word: str) -> str:
    return simplemma.lemmatize(word, lang=LANGUAGE).lower()


@dataclass(frozen=True, kw_only=True)
class Lemmatizer:
    """Turns text into lemmas; the rules travel with the model, so that serving reads text as training did."""

    stop_words: frozenset[str]
    min_letters: int

    def lemmas(self, text: str) -> list[str]:
        """The lemmas of a text in order, without stop words, short words, digits and mark-up."""
        plain = MARKUP.sub(" ", text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))
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
class Vocabulary:
    """The words a model knows, in alphabetical order, and the lemmatizer that finds them in text."""

    words: tuple[str, ...]
    lemmatizer: Lemmatizer

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def index(self) -> Mapping[str, int]:
        return {word: index for index, word in enumerate(self.words)}

    def bags(self, documents: Sequence[Sequence[str]], keys: Sequence[str] | None = None) -> BagsOfWords:
        """Bags of the known words of documents given as lemmas; a document of unknown words has an empty bag."""
        known = [[self.index[word] for word in document if word in self.index] for document in documents]
        rows = [np.unique(np.asarray(each, dtype=np.int32), return_counts=True) for each in known]
        lengths = [len(words) for words, _ in rows]
        return BagsOfWords(
            keys=np.asarray(range(len(documents)) if keys is None else keys, dtype=np.str_),
            offsets=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
            words=np.concatenate([np.empty(0, np.int32), *(words for words, _ in rows)]).astype(np.int32),
            counts=np.concatenate([np.empty(0), *(counts for _, counts in rows)]).astype(np.float32),
            size=len(self),
        )

    def save(self, directory: Path) -> None:
        document = {
            "words": self.words,
            "stop_words": sorted(self.lemmatizer.stop_words),
            "min_letters": self.lemmatizer.min_letters,
        }
        (directory / VOCABULARY_FILE).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Vocabulary:
        document = json.loads((directory / VOCABULARY_FILE).read_text(encoding="utf-8"))
        lemmatizer = Lemmatizer(stop_words=frozenset(document["stop_words"]), min_letters=document["min_letters"])
        return cls(words=tuple(document["words"]), lemmatizer=lemmatizer)
