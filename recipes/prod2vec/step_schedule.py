"""How many steps make an epoch, and the learning rate of each; training image, numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Steps of one call of the compiled program, at most: more would only delay the progress that is shown.
MAX_STEPS_PER_CALL = 64
# An epoch needs some steps to learn in, a step some baskets to be worth its overhead.
MIN_STEPS_PER_EPOCH = 64
MIN_BASKETS_PER_STEP, MAX_BASKETS_PER_STEP = 8, 512
# The learning rate falls linearly to this share of its first value.
FINAL_LEARNING_RATE_SHARE = 0.05


def bounded_epochs(wanted: int, *, pairs_per_epoch: float, max_pairs: float) -> int:
    """As many epochs as are wanted, and no more than draw `max_pairs` in all; at least one."""
    return max(1, min(wanted, round(max_pairs / pairs_per_epoch)))


@dataclass(frozen=True, kw_only=True)
class StepSchedule:
    """An epoch is `calls_per_epoch` calls of the compiled program with `steps_per_call` steps each."""

    epochs: int
    calls_per_epoch: int
    steps_per_call: int
    baskets_per_step: int

    @classmethod
    def of(cls, pairs_per_epoch: float, pairs_per_basket: float, *, epochs: int) -> StepSchedule:
        """As many baskets per step (a power of two) as leave `MIN_STEPS_PER_EPOCH`, and calls of equal length."""
        baskets_per_epoch = pairs_per_epoch / pairs_per_basket
        baskets = int(2 ** np.floor(np.log2(max(baskets_per_epoch / MIN_STEPS_PER_EPOCH, 1.0))))
        baskets = min(max(baskets, MIN_BASKETS_PER_STEP), MAX_BASKETS_PER_STEP)
        steps = max(1, round(baskets_per_epoch / baskets))
        calls = -(-steps // MAX_STEPS_PER_CALL)
        return cls(epochs=epochs, calls_per_epoch=calls, steps_per_call=-(-steps // calls), baskets_per_step=baskets)

    def learning_rates(self, call: int, *, initial: float) -> np.ndarray:
        """Learning rates (float32) of the steps of a call, counted from the first epoch's first, on a straight line."""
        done = call * self.steps_per_call + np.arange(self.steps_per_call)
        share = done / (self.epochs * self.calls_per_epoch * self.steps_per_call)
        return np.asarray(initial * (1.0 - (1.0 - FINAL_LEARNING_RATE_SHARE) * share), dtype=np.float32)
