"""What the values of ratings mean: where their scale begins and ends, and what counts as liked; every stage, numpy.

Models compute on ratings whose highest is 5, as most are, so that the same settings suit ratings of 1 to 10, of 0 to
100 or votes of -1 and 1; figures, reports and answers are on the scale of the data. Interactions, such as films watched
or products bought, have no scale: each counts as much as any other, and is liked (Hu, Koren and Volinsky 2008,
"Collaborative filtering for implicit feedback datasets"; EASE is defined on such data too).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

SCALE_FILE = "scale.json"
HIGHEST = 5.0
INTERACTION = 1.0


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The scale of some ratings.

    `rated` is false for interactions, which have values of 1. Ratings go from `lowest` to `highest`; of held-out ones,
    those of at least `relevant` should be recommended. `(rating - shift) / unit` is what models compute on.
    """

    rated: bool
    lowest: float
    highest: float
    relevant: float
    shift: float = 0.0
    unit: float = 1.0

    @classmethod
    def of_ratings(cls, lowest: float, highest: float, *, relevant: float) -> Scale:
        """Of ratings of different values; those of 0.5 to 5 stars are left as they are."""
        shift = min(lowest, 0.0)
        unit = (highest - shift) / HIGHEST
        return cls(rated=True, lowest=lowest, highest=highest, relevant=relevant, shift=shift, unit=unit)

    @classmethod
    def of_interactions(cls) -> Scale:
        """Of rows that say nothing but that they happened."""
        return cls(rated=False, lowest=INTERACTION, highest=INTERACTION, relevant=INTERACTION)

    def normalised(self, values: np.ndarray) -> np.ndarray:
        """What models compute on (float32)."""
        if not self.rated:
            return np.full(len(values), INTERACTION, dtype=np.float32)
        return np.asarray((np.asarray(values, dtype=np.float64) - self.shift) / self.unit, dtype=np.float32)

    def natural(self, values: np.ndarray) -> np.ndarray:
        """Ratings (float64) from what models compute, within the scale."""
        found = np.asarray(values, dtype=np.float64) * self.unit + self.shift
        return np.asarray(found.clip(self.lowest, self.highest))

    def in_words(self) -> str:
        """A sentence for reports."""
        if not self.rated:
            return "Rows count as interactions: each is liked, and no ratings are expected of anybody."
        return f"Ratings go from {self.lowest:g} to {self.highest:g}; {self.relevant:g} or more counts as liked."

    def save(self, directory: Path) -> None:
        (directory / SCALE_FILE).write_text(json.dumps(asdict(self), indent=2), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Scale:
        return cls(**json.loads((directory / SCALE_FILE).read_text(encoding="utf-8")))
