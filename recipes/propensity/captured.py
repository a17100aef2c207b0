"""What kept requests say in the terms of tables; runs in the training image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from recipes.propensity.columns.uses import Description
from recipes.propensity.config import Config
from trainyard.contract.captured import Captured, Columns, Rows


@dataclass(frozen=True)
class CapturedVisits(Captured):
    """Visits and their propensities go by the names of columns.

    Visits of a database are drawn by their outcome, and are no match for those that are asked about: of a model that
    learned from one only answers are compared.
    """

    of_file: bool

    def tables(self, requests: Rows) -> dict[str, Columns] | None:
        """By name, or nothing."""
        del requests
        return None if self.of_file else {}


def load(model_dir: Path, *, config: Config) -> CapturedVisits:
    """By where a model learned from."""
    del config
    return CapturedVisits(of_file=Description.load(model_dir) is not None)
