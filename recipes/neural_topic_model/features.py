"""Turns review text into lemmas and bags of words, the same in every stage and in serving; no TensorFlow."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import simplemma

from recipes.neural_topic_model.documents.bags_of_words import BagsOfWords
from recipes.neural_topic_model.words.language import ENGLISH, dictionary_of
from recipes.neural_topic_model.words.markup import plain

VOCABULARY_FILE = "vocabulary.json"
# Signs that change the letter before them, such as the vowels of Hindi; Python's own class of letters leaves them out.
MARKS = "".join(chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code)).startswith("M"))
LETTER = rf"[^\W\d_][{MARKS}]*"
# Letters of any alphabet; an apostrophe holds the parts of a word together: don't, l'eau.
WORD = re.compile(rf"(?:{LETTER})+(?:'(?:{LETTER})+)*")
# What stands between the two words of a phrase.
BETWEEN = re.compile(r"[\s-]+")


def words_of(text: str) -> list[str]:
    """The words of a text in order, in lower case; those of mark-up are none."""
    return WORD.findall(plain(text))


@lru_cache(maxsize=2**18)
def _lemma(word: str, language: str) -> str:
    try:
        return simplemma.lemmatize(word, lang=dictionary_of(language)).lower()
    except ValueError:
        # A language without a dictionary: its words are counted as they are written.
        return word


@dataclass(frozen=True, kw_only=True)
class Lemmatizer:
    """Turns text into lemmas; the rules travel with the model, so that serving reads text as training did."""

    stop_words: frozenset[str]
    min_letters: int
    language: str = ENGLISH

    def lemmas(self, text: str) -> list[str]:
        """The lemmas of a text in order, without stop words, short words, digits and mark-up."""
        return [lemma for word in words_of(text) if (lemma := self.lemma(word))]

    def neighbours(self, text: str) -> Iterator[tuple[str, str]]:
        """Every two lemmas that stand next to each other in a text, with nothing but a space or a hyphen between."""
        clean, before, end = plain(text), "", 0
        for word in WORD.finditer(clean):
            lemma = self.lemma(word.group())
            if before and lemma and BETWEEN.fullmatch(clean, end, word.start()):
                yield before, lemma
            before, end = lemma, word.end()

    def lemma(self, word: str) -> str:
        """The lemma of a word, empty where it says nothing about a topic."""
        # The longest part of don't is don, a stop word; that of l'eau is eau.
        stem = max(word.split("'"), key=len)
        if len(stem) < self.min_letters or stem in self.stop_words:
            return ""
        lemma = _lemma(stem, self.language)
        return lemma if len(lemma) >= self.min_letters and lemma not in self.stop_words else ""


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """The words a model knows, in alphabetical order, and the lemmatizer that finds them in text.

    `phrases` are pairs of them that often stand together, the most frequent first: names of topics are made of these.
    """

    words: tuple[str, ...]
    lemmatizer: Lemmatizer
    phrases: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.words)

    @cached_property
    def index(self) -> Mapping[str, int]:
        return {word: index for index, word in enumerate(self.words)}

    def bags(self, documents: Sequence[Sequence[str]]) -> BagsOfWords:
        """Bags of the known words of documents given as lemmas; a document of unknown words has an empty bag."""
        known = [[self.index[word] for word in document if word in self.index] for document in documents]
        rows = [np.unique(np.asarray(each, dtype=np.int32), return_counts=True) for each in known]
        lengths = [len(words) for words, _ in rows]
        return BagsOfWords(
            offsets=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
            words=np.concatenate([np.empty(0, np.int32), *(words for words, _ in rows)]).astype(np.int32),
            counts=np.concatenate([np.empty(0), *(counts for _, counts in rows)]).astype(np.float32),
            size=len(self),
        )

    def counts(self, documents: Sequence[Sequence[str]]) -> np.ndarray:
        """How often each known word is in each of a few documents given as lemmas, float32 [documents, words].

        The same as `bags` gives, without what makes many documents small.
        """
        found, index = np.zeros((len(documents), len(self)), dtype=np.float32), self.index
        for row, document in zip(found, documents, strict=True):
            for word in document:
                if word in index:
                    row[index[word]] += 1.0
        return found

    def save(self, directory: Path) -> None:
        document = {
            "words": self.words,
            "stop_words": sorted(self.lemmatizer.stop_words),
            "min_letters": self.lemmatizer.min_letters,
            "language": self.lemmatizer.language,
            "phrases": self.phrases,
        }
        (directory / VOCABULARY_FILE).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Vocabulary:
        document = json.loads((directory / VOCABULARY_FILE).read_text(encoding="utf-8"))
        lemmatizer = Lemmatizer(
            stop_words=frozenset(document["stop_words"]),
            min_letters=document["min_letters"],
            language=document.get("language", ENGLISH),
        )
        phrases = tuple((first, second) for first, second in document.get("phrases", ()))
        return cls(words=tuple(document["words"]), lemmatizer=lemmatizer, phrases=phrases)
