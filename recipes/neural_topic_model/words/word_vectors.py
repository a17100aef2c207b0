"""Word vectors that WETC is measured with, trained by skip-gram or from a file; made in processing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from trainyard.contract.lean.imports import lean

VECTORS_FILE = "vectors.npz"
WINDOW = 5
NEGATIVES = 5
MIN_COUNT = 5
# Small collections need many epochs before similar words get similar vectors; large ones few.
WORDS_TO_TRAIN_ON = 2_000_000
EPOCHS_RANGE = (5, 20)


@dataclass(frozen=True, kw_only=True)
class WordVectors:
    """Words and their vectors, float32 [words, size]."""

    words: tuple[str, ...]
    vectors: np.ndarray

    @cached_property
    def index(self) -> dict[str, int]:
        return {word: index for index, word in enumerate(self.words)}

    def unit_vectors(self, words: Sequence[str]) -> np.ndarray:
        """Vectors of length one of those of `words` that are known, float32 [known, size]."""
        rows = self.vectors[[self.index[word] for word in words if word in self.index]]
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0))

    def save(self, directory: Path) -> None:
        np.savez(directory / VECTORS_FILE, words=np.asarray(self.words, dtype=np.str_), vectors=self.vectors)

    @classmethod
    def load(cls, directory: Path) -> WordVectors:
        with np.load(directory / VECTORS_FILE, allow_pickle=False) as file:
            return cls(words=tuple(file["words"].tolist()), vectors=file["vectors"])


def train_skip_gram(documents: Sequence[Sequence[str]], *, size: int, seed: int) -> WordVectors:
    """Vectors by skip-gram with negative sampling (Mikolov et al. 2013) on documents given as lemmas.

    One worker, because more make gensim's result depend on the order in which the threads run.
    """
    with lean():
        from gensim.models import Word2Vec

    total = max(1, sum(map(len, documents)))
    model = Word2Vec(
        [list(each) for each in documents],
        vector_size=size,
        window=WINDOW,
        negative=NEGATIVES,
        min_count=MIN_COUNT,
        sg=1,
        workers=1,
        epochs=int(np.clip(WORDS_TO_TRAIN_ON // total, *EPOCHS_RANGE)),
        seed=seed,
    )
    return WordVectors(words=tuple(model.wv.index_to_key), vectors=model.wv.vectors.astype(np.float32))
