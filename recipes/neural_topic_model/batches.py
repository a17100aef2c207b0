"""Draws batches of documents and gives what the network is fed with; numpy only, runs in the training image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from recipes.neural_topic_model.documents.bags_of_words import BagsOfWords
from recipes.neural_topic_model.inference import encoder_inputs, tf_idf
from recipes.neural_topic_model.metrics import random_half

MIN_BATCH, MAX_BATCH = 32, 1024
# A few very long reviews would otherwise outweigh all others.
MAX_DOCUMENT_LENGTH = 200.0


@dataclass(frozen=True, kw_only=True)
class TrainingBatches:
    """Batches of `size` training documents; the batch of a step depends on the seed and its number alone."""

    bags: BagsOfWords
    idf: np.ndarray
    size: int
    seed: int

    def batch(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Encoder inputs and target counts [batch, words] of a step, counted from the first epoch's first.

        The encoder sees a random half of each document's words: what it learns is to tell the whole from a part.
        """
        counts = self.bags.dense(self.rows(step))
        seen = random_half(counts, np.random.default_rng([self.seed, step, 1]))
        return encoder_inputs(seen, self.idf), target_counts(counts, self.idf)

    def rows(self, step: int) -> np.ndarray:
        """Documents of one step: the collection in a new order on each pass, batch after batch."""
        batches = max(1, len(self.bags) // self.size)
        turn, batch = divmod(step, batches)
        order = _order(self.seed, turn, documents=len(self.bags))
        return np.asarray(order[batch * self.size : (batch + 1) * self.size])


@lru_cache(maxsize=1)
def _order(seed: int, turn: int, *, documents: int) -> np.ndarray:
    """Kept for all batches of a turn: of millions of documents it takes longer than a batch does."""
    return np.random.default_rng([seed, turn]).permutation(documents)


def batch_size(documents: int, steps_per_epoch: int) -> int:
    """As many documents as make an epoch one pass over all, from `MIN_BATCH` to `MAX_BATCH`."""
    return int(np.clip(documents // steps_per_epoch, MIN_BATCH, MAX_BATCH))


def validation_batches(bags: BagsOfWords, idf: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Encoder inputs and target counts of all documents in order."""
    for counts in bags.dense_blocks(MAX_BATCH):
        yield encoder_inputs(counts, idf), target_counts(counts, idf)


def target_counts(counts: np.ndarray, idf: np.ndarray) -> np.ndarray:
    """What the decoder has to say, of counts of words: float32 [documents, words].

    Tf-idf weights that add up to the length of the document, at most `MAX_DOCUMENT_LENGTH` words.
    """
    weights = tf_idf(counts, idf)
    length = np.minimum(counts.sum(axis=1, keepdims=True), MAX_DOCUMENT_LENGTH)
    targets = length * weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    return np.asarray(targets, dtype=np.float32)
