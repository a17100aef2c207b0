"""How much a topic model says about one half of a document from the other half; plain numpy, runs in evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from recipes.neural_topic_model.features import Vocabulary

UNIGRAM_FILE = "unigram.npz"
# A word that a model thinks impossible must not cost more than this share of the unigram model allows.
UNIGRAM_SHARE = 0.05
BLOCK_DOCUMENTS = 1024


class Completes(Protocol):
    """A topic model that can be scored: ours and LDA."""

    @property
    def vocabulary(self) -> Vocabulary: ...

    def shares(self, counts: np.ndarray) -> np.ndarray:
        """Topics [documents, topics] of counts [documents, words]."""
        ...

    def word_probabilities(self, shares: np.ndarray) -> np.ndarray:
        """Words [documents, words] of topics [documents, topics]."""
        ...


def load_unigram(directory: Path) -> dict[str, float]:
    """The words that are scored, with their share of all training words."""
    with np.load(directory / UNIGRAM_FILE, allow_pickle=False) as file:
        return dict(zip(file["words"].tolist(), file["share"].tolist(), strict=True))


def save_unigram(directory: Path, words: Sequence[str], share: np.ndarray) -> None:
    np.savez(directory / UNIGRAM_FILE, words=np.asarray(words, dtype=np.str_), share=share)


def completion_gains(model: Completes, documents: Sequence[Sequence[str]], unigram: dict[str, float]) -> np.ndarray:
    """Gain of each document [documents] in nats per word: 0 says no more than the frequency of words does.

    Topics are inferred from every other scored word of a document; the rest are scored by the mean of
    `log p(word | topics) / p(word)` (document completion: Wallach et al. 2009, "Evaluation Methods for Topic Models",
    section 5.1, divided by the unigram model so that collections compare). Words that a model does not know count 0:
    models with different vocabularies compare on the same words. Documents of fewer than two scored words gain 0.
    """
    scored = [[word for word in document if word in unigram] for document in documents]
    known = np.asarray([word in unigram for word in model.vocabulary.words], dtype=bool)
    share = np.asarray([unigram.get(word, 0.0) for word in model.vocabulary.words])
    gains = np.zeros(len(documents))
    for start in range(0, len(documents), BLOCK_DOCUMENTS):
        block = scored[start : start + BLOCK_DOCUMENTS]
        given = model.vocabulary.bags([words[::2] for words in block])
        probabilities = model.word_probabilities(model.shares(given.dense(np.arange(len(block)))))
        ratio = _ratio(probabilities, known, share)
        for row, words in enumerate(block):
            asked = words[1::2]
            columns = [model.vocabulary.index[word] for word in asked if word in model.vocabulary.index]
            if columns:
                gains[start + row] = np.log(ratio[row, columns]).sum() / len(asked)
    return gains


def _ratio(probabilities: np.ndarray, known: np.ndarray, share: np.ndarray) -> np.ndarray:
    """p(word | topics) / p(word), the model's mass brought to that of the scored words it knows; 1 elsewhere."""
    scored = np.where(known, probabilities, 0.0)
    scored *= share.sum() / np.maximum(scored.sum(axis=1, keepdims=True), 1e-12)
    raised = np.divide(scored, share, out=np.ones_like(scored), where=share > 0)
    return np.asarray((1.0 - UNIGRAM_SHARE) * raised + UNIGRAM_SHARE)
