"""The learning rate of each step of a training; runs in the training image, no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi

WARM_UP_STEPS = 50


@dataclass(frozen=True, kw_only=True)
class WarmUpAndCosine:
    """Rises to `highest` in `WARM_UP_STEPS` or a tenth of all `steps`, then falls to zero along a cosine."""

    highest: float
    steps: int

    def at(self, step: int) -> float:
        """The rate of a step, counted from 0."""
        warm_up = max(1, min(WARM_UP_STEPS, self.steps // 10))
        first = self.highest / warm_up
        if step < warm_up:
            return first + (self.highest - first) * step / warm_up
        done = min(1.0, (step - warm_up) / max(1, self.steps - warm_up))
        return self.highest * 0.5 * (1.0 + cos(pi * done))
