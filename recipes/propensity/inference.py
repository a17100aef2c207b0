"""The trained members of an average as numpy arrays: from visits to probabilities; train, evaluate, report, serve."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from math import log, log1p, tanh
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from recipes.propensity.calibration import EPSILON, logit, sigmoid
from recipes.propensity.features import Encoder
from recipes.propensity.members.trees import Trees
from recipes.propensity.population import Population

if TYPE_CHECKING:
    import pandas as pd

NETWORKS_FILE = "networks.npz"
LINEAR_FILE = "linear.npy"
TYPICAL_FILE = "typical.npy"
SETTINGS_FILE = "probabilities.json"
BLOCK_ROWS = 50_000
LAYERS = 3
FEW_ROWS = 16


@dataclass(frozen=True, kw_only=True)
class Shares:
    """How much trees count beside the networks, and the linear model beside both; a member that is not there: 0."""

    trees: float = 0.0
    linear: float = 0.0

    def blended(self, networks: np.ndarray, trees: np.ndarray | float, *, linear: np.ndarray | float) -> np.ndarray:
        """The weighted mean of the members' log odds."""
        return np.asarray(self.blend(networks, trees, linear=linear))

    def blend(self, networks: Any, trees: Any, *, linear: Any) -> Any:
        """`blended` of arrays or of single numbers."""
        both = (1.0 - self.trees) * networks + self.trees * trees
        return (1.0 - self.linear) * both + self.linear * linear


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """Networks, trees and a linear model whose mean log odds are the prediction.

    `networks` holds kernel and bias of three layers per network; they count as one member, by their mean probability.
    `linear` [inputs + 1] is a logistic regression, its constant last. Models of earlier versions have networks alone.
    `typical` [inputs] is a typical visit, which reasons are told from.
    `intercept` is added to the logit after the exact correction for the sample; `threshold` is the probability from
    which on a visit counts as a likely sale.
    """

    encoder: Encoder
    population: Population
    networks: Sequence[Sequence[np.ndarray]]
    intercept: float
    threshold: float
    trees: Trees | None = None
    linear: np.ndarray | None = None
    shares: Shares = Shares()
    typical: np.ndarray | None = None

    def probabilities(self, visits: pd.DataFrame) -> np.ndarray:
        """Probability of a sale in the population [rows]; a column that is missing counts as missing values."""
        rows = self.encoder.columns_of(visits)
        blocks = [
            self.probabilities_of_inputs(self.encoder.transform(rows.iloc[start : start + BLOCK_ROWS]))
            for start in range(0, len(rows), BLOCK_ROWS)
        ]
        return np.concatenate(blocks) if blocks else np.zeros(0)

    def probabilities_of_inputs(self, inputs: np.ndarray) -> np.ndarray:
        """Probability of a sale from network inputs, float32 [rows, inputs]."""
        if len(inputs) == 1:
            logit_of_one = self._sample_logit(inputs) + self.population.prior_correction + self.intercept
            return np.array([_probability(logit_of_one)])
        return sigmoid(self.sample_logits(inputs) + self.population.prior_correction + self.intercept)

    def sample_logits(self, inputs: np.ndarray) -> np.ndarray:
        """Log odds as in the sample that the members learned from [rows]."""
        if len(inputs) == 1:
            return np.array([self._sample_logit(inputs)])
        if len(inputs) > BLOCK_ROWS:
            starts = range(0, len(inputs), BLOCK_ROWS)
            return np.concatenate([self.sample_logits(inputs[start : start + BLOCK_ROWS]) for start in starts])
        if self.linear is not None and self.shares.linear == 1.0:
            return linear_logits(self.linear, inputs)
        trees = self.trees.logits(inputs) if self.trees else 0.0
        linear = linear_logits(self.linear, inputs) if self.linear is not None and self.shares.linear else 0.0
        return self.shares.blended(self.networks_logits(inputs), trees, linear=linear)

    def _sample_logit(self, inputs: np.ndarray) -> float:
        """`sample_logits` of one row [1, inputs]: calls of numpy for single numbers would take longer than the work."""
        linear = float(linear_logits(self.linear, inputs)[0]) if self.linear is not None and self.shares.linear else 0.0
        if self.linear is not None and self.shares.linear == 1.0:
            return linear
        trees = float(self.trees.logits(inputs)[0]) if self.trees else 0.0
        found = _stacked_logits(self.stacked, inputs)[:, 0].tolist() if self.stacked else None
        networks = float(self.networks_logits(inputs)[0]) if found is None else _mean_logit(found)
        return float(self.shares.blend(networks, trees, linear=linear))

    def networks_logits(self, inputs: np.ndarray) -> np.ndarray:
        """Logit of the mean probability of the networks [rows]."""
        if self.stacked and len(inputs) <= FEW_ROWS:
            return mean_logits(_stacked_logits(self.stacked, inputs))
        return mean_logits(np.stack([network_logits(each, inputs) for each in self.networks]))

    @cached_property
    def stacked(self) -> list[np.ndarray]:
        """Kernels [networks, rows, columns] and biases [networks, 1, columns]; none if networks differ in shape."""
        if len({tuple(each.shape for each in own) for own in self.networks}) != 1:
            return []
        return [np.stack([np.atleast_2d(each) for each in same]) for same in zip(*self.networks, strict=True)]

    def save(self, directory: Path) -> None:
        """Write `networks.npz`, `trees.npz`, `linear.npy`, `typical.npy`, `probabilities.json`, encoder, population."""
        self.encoder.save(directory)
        self.population.save(directory)
        arrays = {f"{index}/{layer}": each for index, own in enumerate(self.networks) for layer, each in enumerate(own)}
        np.savez(directory / NETWORKS_FILE, allow_pickle=False, **arrays)
        if self.trees:
            self.trees.save(directory)
        for name, array in ((LINEAR_FILE, self.linear), (TYPICAL_FILE, self.typical)):
            if array is not None:
                np.save(directory / name, array)
        settings = {
            "networks": len(self.networks),
            "intercept": self.intercept,
            "threshold": self.threshold,
            "shares": asdict(self.shares),
        }
        (directory / SETTINGS_FILE).write_text(json.dumps(settings, indent=2), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Ensemble:
        settings = json.loads((directory / SETTINGS_FILE).read_text(encoding="utf-8"))
        with np.load(directory / NETWORKS_FILE) as saved:
            networks = [
                [saved[f"{index}/{layer}"] for layer in range(2 * LAYERS)] for index in range(settings["networks"])
            ]
        return cls(
            encoder=Encoder.load(directory),
            population=Population.load(directory),
            networks=networks,
            intercept=settings["intercept"],
            threshold=settings["threshold"],
            trees=Trees.load(directory),
            linear=_array(directory / LINEAR_FILE),
            shares=Shares(**settings.get("shares", {})),
            typical=_array(directory / TYPICAL_FILE),
        )


def _array(path: Path) -> np.ndarray | None:
    """None where a model of an earlier version has no such file."""
    return np.load(path) if path.is_file() else None


def linear_logits(linear: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """Log odds of a logistic regression [inputs + 1], its constant last [rows]."""
    return np.asarray(inputs @ linear[:-1] + linear[-1])


def network_logits(weights: Sequence[np.ndarray], inputs: np.ndarray) -> np.ndarray:
    """Logits of one network without dropout [rows]: two layers of rectified linear units, then one linear unit."""
    hidden = inputs
    for layer in range(LAYERS - 1):
        hidden = np.maximum(hidden @ weights[2 * layer] + weights[2 * layer + 1], 0.0)
    return np.asarray((hidden @ weights[-2] + weights[-1])[:, 0], dtype=np.float64)


def _stacked_logits(stacked: Sequence[np.ndarray], inputs: np.ndarray) -> np.ndarray:
    """`network_logits` of all networks in one go [networks, rows]: for few rows, most of the time is calls."""
    hidden = inputs
    for layer in range(LAYERS - 1):
        hidden = hidden @ stacked[2 * layer]
        hidden += stacked[2 * layer + 1]
        np.maximum(hidden, 0.0, out=hidden)
    return np.asarray((hidden @ stacked[-2] + stacked[-1])[:, :, 0], dtype=np.float64)


def mean_logits(logits: np.ndarray) -> np.ndarray:
    """Logit of the mean probability of networks [networks, rows] -> [rows]."""
    return logit(sigmoid(logits).mean(axis=0))


def _probability(logit_of_one: float) -> float:
    """`sigmoid` of a single number."""
    return 0.5 * (1.0 + tanh(0.5 * logit_of_one))


def _mean_logit(logits: Sequence[float]) -> float:
    """`mean_logits` of one row, for which a dozen calls of numpy would take longer than the work."""
    mean = fmean(map(_probability, logits))
    inside = min(max(mean, EPSILON), 1.0 - EPSILON)
    return log(inside) - log1p(-inside)
