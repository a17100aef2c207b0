"""The trained network in plain numpy, for evaluation, report and serving; needs no TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recipes.headline_classifier.features import PADDING, Encoder, NgramBags

WEIGHTS_FILE = "weights.npz"
NETWORK_FILE = "network.json"
# How many training headlines each class has.
CLASS_COUNTS_FILE = "class_counts.json"
KERNEL_SIZE, POOL_SIZE = 3, 5
BLOCK_HEADLINES = 1_000


@dataclass(frozen=True, kw_only=True)
class Network:
    """Weights by name, and how the logits of the parts become probabilities.

    `weights` holds the table and bias of the wide part (where there is one), the embedding, and kernel and bias of the
    layers of the deep part, as `model.build` names them.
    """

    architecture: str
    deep_weight: float
    temperature: float
    weights: Mapping[str, np.ndarray]

    def part_logits(self, sequences: np.ndarray, ngrams: NgramBags) -> list[np.ndarray]:
        """Logits [n, classes] of each part, as the Keras model gives them."""
        starts = range(0, len(sequences), BLOCK_HEADLINES)
        blocks = [self._deep(sequences[start : start + BLOCK_HEADLINES]) for start in starts]
        deep = np.concatenate(blocks) if blocks else np.empty((0, self._classes))
        return [self._wide(ngrams), deep] if self.has_wide_part else [deep]

    def probabilities(self, sequences: np.ndarray, ngrams: NgramBags) -> np.ndarray:
        """Class probabilities [n, classes]."""
        logits = combined_logits(self.part_logits(sequences, ngrams), self.deep_weight) / self.temperature
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))

    @property
    def has_wide_part(self) -> bool:
        """Whether the network counts n-grams at all."""
        return "wide_table" in self.weights

    @property
    def _classes(self) -> int:
        return len(self.weights["deep_bias"])

    def _wide(self, ngrams: NgramBags) -> np.ndarray:
        return np.asarray(weighted_sums(ngrams, self.weights["wide_table"]) + self.weights["wide_bias"])

    def _deep(self, words: np.ndarray) -> np.ndarray:
        embedded = self.weights["embedding"][words]
        read = self._convolved(embedded) if self.architecture == "convolution" else _summed(words, embedded)
        hidden = np.maximum(read @ self.weights["hidden_kernel"] + self.weights["hidden_bias"], 0.0)
        return np.asarray(hidden @ self.weights["deep_kernel"] + self.weights["deep_bias"])

    def _convolved(self, embedded: np.ndarray) -> np.ndarray:
        kernel, length = self.weights["convolution_kernel"], embedded.shape[1] - KERNEL_SIZE + 1
        windows = [embedded[:, offset : offset + length] @ kernel[offset] for offset in range(KERNEL_SIZE)]
        filtered = np.maximum(np.sum(windows, axis=0) + self.weights["convolution_bias"], 0.0)[
            :, : length // POOL_SIZE * POOL_SIZE
        ]
        pooled = filtered.reshape(len(filtered), length // POOL_SIZE, POOL_SIZE, -1).max(axis=2)
        return np.asarray(pooled.reshape(len(pooled), -1))

    def save(self, directory: Path) -> None:
        """Write `weights.npz` and `network.json`."""
        np.savez(directory / WEIGHTS_FILE, allow_pickle=False, **self.weights)
        settings = {
            "architecture": self.architecture,
            "deep_share": self.deep_weight,
            "temperature": self.temperature,
        }
        (directory / NETWORK_FILE).write_text(json.dumps(settings, indent=2), encoding="utf-8")

    @classmethod
    def load(cls, directory: Path) -> Network:
        settings = json.loads((directory / NETWORK_FILE).read_text(encoding="utf-8"))
        with np.load(directory / WEIGHTS_FILE) as saved:
            weights = {name: saved[name] for name in saved.files}
        return cls(weights=weights, deep_weight=settings.pop("deep_share"), **settings)


@dataclass(frozen=True, kw_only=True)
class Classifier:
    """Encoder and network of a model folder: raw text in, probabilities out."""

    encoder: Encoder
    network: Network

    def probabilities(self, titles: Sequence[str]) -> np.ndarray:
        """Probabilities [titles, classes], classes in the order of `encoder.classes`."""
        return self.network.probabilities(self.encoder.sequences(titles), self.encoder.ngrams(titles))

    @classmethod
    def load(cls, model_dir: Path) -> Classifier:
        return cls(encoder=Encoder.load(model_dir), network=Network.load(model_dir))


def weighted_sums(ngrams: NgramBags, table: np.ndarray) -> np.ndarray:
    """Of each headline the sum over its n-grams of value x row of `table` [n-grams, classes]: [headlines, classes]."""
    rows, columns = ngrams.rows, range(table.shape[1])
    sums = [
        np.bincount(rows, weights=ngrams.values * table[ngrams.indices, column], minlength=len(ngrams))
        for column in columns
    ]
    return np.stack(sums, axis=1)


def combined_logits(parts: Sequence[np.ndarray], deep_weight: float) -> np.ndarray:
    """Logits of the whole network: wide ones plus weighted deep ones, or those of the only part."""
    *wide, deep = parts
    return np.asarray(wide[0] + deep_weight * deep if wide else deep, dtype=np.float64)


def _summed(words: np.ndarray, embedded: np.ndarray) -> np.ndarray:
    present = (words != PADDING).astype(np.float32)[..., None]
    return np.asarray((embedded * present).sum(axis=1) / np.sqrt(np.maximum(present.sum(axis=1), 1.0)))
