"""Loads a trained tabular model for evaluation, report, serving and scoring; numpy and pandas only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from trainyard.contract.tabular.boosted_trees import TREES_FILE, BoostedTrees
from trainyard.contract.tabular.examples import FittedModel
from trainyard.contract.tabular.features import Encoder
from trainyard.contract.tabular.linear_model import LINEAR_FILE, LinearModel
from trainyard.contract.tabular.own_modules import own
from trainyard.errors import JobFailed

PACKAGE_FILE = "tabular.json"


@dataclass(frozen=True, kw_only=True)
class TrainedModel:
    """A fitted model and what turns rows into its inputs."""

    encoder: Encoder
    fitted: FittedModel

    def predict(self, rows: pd.DataFrame) -> np.ndarray:
        """Probabilities [rows, classes] in the order of `encoder.classes`, or values [rows]."""
        return self.fitted.predict(self.encoder.encode(rows))

    def save(self, folder: Path, *, package: str) -> None:
        """Write what `load_trained` reads; `package` is the recipe's, whose `inference.py` loads what was fitted."""
        self.encoder.save(folder)
        self.fitted.save(folder)
        (folder / PACKAGE_FILE).write_text(json.dumps({"package": package}), encoding="utf-8")


def load_trained(folder: Path) -> TrainedModel:
    """The model in a folder that `train` filled."""
    package = json.loads((folder / PACKAGE_FILE).read_text(encoding="utf-8"))["package"]
    return TrainedModel(encoder=Encoder.load(folder), fitted=own(package, "inference").load(folder))


def load(folder: Path) -> FittedModel:
    """What was fitted, of the kinds that come with the contract; a recipe with one of its own has an `inference.py`."""
    if (folder / TREES_FILE).is_file():
        return BoostedTrees.load(folder)
    if (folder / LINEAR_FILE).is_file():
        return LinearModel.load(folder)
    found = ", ".join(sorted(each.name for each in folder.iterdir())) or "nothing"
    raise JobFailed(
        f"Expected {TREES_FILE} or {LINEAR_FILE} in the model, found {found}; "
        "a recipe that saves another kind of model needs an inference.py with load(folder)."
    )
