"""The rows that each step of an epoch learns from, in an order drawn anew for each epoch; in the training image."""

from __future__ import annotations

import numpy as np

# Small data gets smaller batches than asked for: an epoch needs steps to learn in.
MIN_STEPS = 32
MIN_BATCH_SIZE = 16
# Of large data an epoch sees a part, drawn anew each time: networks stop when epochs no longer help them, not rows.
MAX_STEPS = 512


def effective_batch_size(batch_size: int, rows: int) -> int:
    """The batch size asked for, or the power of two that leaves `MIN_STEPS` steps per epoch."""
    fitting = int(2 ** np.floor(np.log2(max(rows / MIN_STEPS, 1))))
    return min(batch_size, max(fitting, MIN_BATCH_SIZE), rows)


def epoch_batches(rows: int, *, batch_size: int, seed: int, epoch: int) -> np.ndarray:
    """Row numbers [steps, batch size], at most `MAX_STEPS`; the last rows of the order that fill no batch are left out.

    The order is a function of seed and epoch, so that a resumed training sees what one that never stopped would see.
    """
    order = np.random.default_rng((seed, epoch)).permutation(rows)
    steps = min(max(1, rows // batch_size), MAX_STEPS)
    return order[: steps * batch_size].reshape(steps, -1)
