"""The headlines that each step of an epoch learns from, in an order drawn anew for each epoch; training image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from recipes.headline_classifier.texts.encoded import EncodedHeadlines

# In any order, a headline brings 64 KB around it of each of three mapped files into memory: so many, 200 MB.
HEADLINES_BETWEEN_RELEASES = 1024
# Files of less may be in memory as a whole, and need not be mapped again.
KEPT_BYTES = 1_000_000_000
# One call of a compiled program for all steps of so many: each call takes as long as a small step.
HEADLINES_TOGETHER = 1024


class Batch(NamedTuple):
    """Encoded headlines of one step: inputs and targets of a step of training; a tuple, as TensorFlow takes it.

    `words` int32 [batch, length], `ngrams` int32 and `values` float32 [batch, longest], `labels` int32 [batch] and
    `weights` float32 [batch], how much each headline counts in the loss, by its class and its story.
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
    """Every headline once, weighted by its class and its story; arrays have one dimension more, steps.

    As many steps come together as `HEADLINES_TOGETHER` allows; their bags of n-grams are padded to one length. The
    order is a function of seed and epoch, so that a resumed training sees what one that never stopped would see.
    """
    order = np.random.default_rng([seed, epoch]).permutation(len(headlines))
    full, rest = divmod(len(order), batch_size)
    together = max(HEADLINES_TOGETHER // batch_size, 1)
    groups = [min(together, full - start) for start in range(0, full, together)]
    between = HEADLINES_BETWEEN_RELEASES if headlines.nbytes > KEPT_BYTES else len(order)
    released = done = 0
    for steps, size in [*((steps, batch_size) for steps in groups), *([(1, rest)] if rest else [])]:
        if done >= released + between:
            headlines.release()
            released = done
        batch = batch_of(headlines, order[done : done + steps * size], class_weights=class_weights)
        yield Batch(*(each.reshape(steps, size, *each.shape[1:]) for each in batch))
        done += steps * size


def batch_of(headlines: EncodedHeadlines, rows: np.ndarray, *, class_weights: np.ndarray) -> Batch:
    """The headlines of some rows as one batch; shorter bags of n-grams are padded with value 0."""
    labels = headlines.labels[rows]
    ngrams, values = headlines.ngrams.padded(rows)
    weights = class_weights[labels] * headlines.weights[rows]
    return Batch(words=headlines.sequences[rows], ngrams=ngrams, values=values, labels=labels, weights=weights)


def class_weights(headlines: EncodedHeadlines, classes: int, *, exponent: float) -> np.ndarray:
    """Weight of a headline by its class (float32) [classes]: frequency to the power `-exponent`.

    The headlines count by their `weights`; with both, a headline counts 1 on average.
    """
    counts = np.bincount(headlines.labels, weights=headlines.weights, minlength=classes)
    weights = np.maximum(counts, 1.0) ** -exponent
    return np.asarray(weights * len(headlines) / (weights * counts).sum(), dtype=np.float32)
