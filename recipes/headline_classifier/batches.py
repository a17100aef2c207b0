"""The headlines that each step of an epoch learns from, in an order drawn anew for each epoch; training image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from recipes.headline_classifier.encoded_headlines import EncodedHeadlines

# In any order, a few thousand headlines touch hundreds of megabytes of mapped files.
STEPS_BETWEEN_RELEASES = 1000


class Batch(NamedTuple):
    """Encoded headlines of one step: inputs and targets of `Trainer.train_step`; a tuple, as TensorFlow takes it.

    `words` int32 [batch, length], `ngrams` int32 and `values` float32 [batch, longest], `labels` int32 [batch] and
    `weights` float32 [batch], how much each headline counts in the loss.
    """

    words: np.ndarray
    ngrams: np.ndarray
    values: np.ndarray
    labels: np.ndarray
    weights: np.ndarray


def steps_per_epoch(headlines: int, batch_size: int) -> int:
    """How many batches hold all headlines; the last one may be smaller."""
    return -(-headlines // batch_size)


def epoch_batches(
    headlines: EncodedHeadlines, class_weights: np.ndarray, *, batch_size: int, seed: int, epoch: int
) -> Iterator[Batch]:
    """Every headline once, weighted by its class.

    The order is a function of seed and epoch, so that a resumed training sees what one that never stopped would see.
    """
    order = np.random.default_rng([seed, epoch]).permutation(len(headlines))
    for step in range(steps_per_epoch(len(headlines), batch_size)):
        if step % STEPS_BETWEEN_RELEASES == 0:
            headlines.release()
        yield batch_of(headlines, order[step * batch_size : (step + 1) * batch_size], class_weights=class_weights)


def batch_of(headlines: EncodedHeadlines, rows: np.ndarray, *, class_weights: np.ndarray) -> Batch:
    """The headlines of some rows as one batch; shorter bags of n-grams are padded with value 0."""
    labels = headlines.labels[rows]
    ngrams, values = headlines.ngrams.padded(rows)
    return Batch(
        words=headlines.sequences[rows], ngrams=ngrams, values=values, labels=labels, weights=class_weights[labels]
    )


def class_weights(labels: np.ndarray, classes: int, *, exponent: float) -> np.ndarray:
    """Weight of a headline by its class (float32) [classes]: frequency to the power `-exponent`; 1 on average."""
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)
    weights = (len(labels) / (classes * counts)) ** exponent
    return np.asarray(weights * len(labels) / (weights * counts).sum(), dtype=np.float32)
