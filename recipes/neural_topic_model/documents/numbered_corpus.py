"""Lemmas of all training documents as numbers on disk, from which words are chosen and bags made; in processing."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recipes.neural_topic_model.documents.bags_of_words import BagsOfWords
from recipes.neural_topic_model.features import Lemmatizer, Vocabulary
from trainyard.contract.training.growing_array import GrowingArray

NUMBERS_FILE = "lemmas.npy"
# Documents that are counted at a time.
BLOCK_DOCUMENTS = 20_000


@dataclass(frozen=True, kw_only=True)
class NumberedCorpus:
    """Document `i` has the lemmas `numbers[offsets[i] : offsets[i + 1]]`, a mapped file of places in `lemmas`.

    Memory grows with the number of different lemmas, and by 8 bytes a document.
    """

    lemmas: Sequence[str]
    offsets: np.ndarray
    numbers: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def lemmatize(cls, texts: Iterable[tuple[str, str]], *, lemmatizer: Lemmatizer, scratch: Path) -> NumberedCorpus:
        """Texts with their keys; the numbers go to the folder `scratch`, which has to stay."""
        index: dict[str, int] = {}
        ends = array("q", [0])
        with GrowingArray(scratch / NUMBERS_FILE, np.int32) as file:
            for _, text in texts:
                numbers = array("i", [index.setdefault(lemma, len(index)) for lemma in lemmatizer.lemmas(text)])
                file.add(np.frombuffer(numbers, dtype=np.int32))
                ends.append(ends[-1] + len(numbers))
        numbers_of_all = np.load(scratch / NUMBERS_FILE, mmap_mode="r")
        return cls(lemmas=tuple(index), offsets=np.frombuffer(ends, dtype=np.int64), numbers=numbers_of_all)

    def document_frequency(self) -> dict[str, int]:
        """In how many documents each lemma occurs."""
        found = np.zeros(len(self.lemmas), dtype=np.int64)
        for rows, numbers in self._blocks():
            once = np.unique(rows * len(self.lemmas) + numbers) % max(len(self.lemmas), 1)
            found += np.bincount(once, minlength=len(self.lemmas))
        return dict(zip(self.lemmas, found.tolist(), strict=True))

    def documents(self, rows: np.ndarray) -> list[list[str]]:
        """Some documents as lemmas."""
        return [
            [self.lemmas[number] for number in self.numbers[self.offsets[row] : self.offsets[row + 1]].tolist()]
            for row in rows.tolist()
        ]

    def bags(self, vocabulary: Vocabulary) -> Iterator[BagsOfWords]:
        """Bags of all documents in order, as `Vocabulary.bags` gives them, some documents at a time."""
        word = np.asarray([vocabulary.index.get(lemma, -1) for lemma in self.lemmas], dtype=np.int64)
        for start, (rows, numbers) in zip(range(0, len(self), BLOCK_DOCUMENTS), self._blocks(), strict=True):
            words = word[numbers]
            pairs, counts = np.unique(rows[words >= 0] * len(vocabulary) + words[words >= 0], return_counts=True)
            lengths = np.bincount(pairs // len(vocabulary), minlength=min(BLOCK_DOCUMENTS, len(self) - start))
            yield BagsOfWords(
                offsets=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
                words=(pairs % len(vocabulary)).astype(np.int32),
                counts=counts.astype(np.float32),
                size=len(vocabulary),
            )

    def _blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Of each lemma of some documents, the row of its document among these, and its number (int64)."""
        for start in range(0, len(self), BLOCK_DOCUMENTS):
            offsets = self.offsets[start : start + BLOCK_DOCUMENTS + 1]
            rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
            yield rows, self.numbers[offsets[0] : offsets[-1]].astype(np.int64)
