"""A trained pair of towers as plain arrays: vectors of users and movies without TensorFlow; train, evaluate, serve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

BLOCK_ROWS = 16_384
# Standard deviations after which an input says no more.
FAR = 5.0

Layers = tuple[tuple[np.ndarray, np.ndarray], ...]


@dataclass(frozen=True, kw_only=True)
class Tower:
    """Dense layers with ReLU between them: `layers` holds kernels [in, out] and biases [out]."""

    centre: np.ndarray
    scale: np.ndarray
    layers: Layers

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """Vectors (float32 [rows, embedding_size]) of what `Describer` says of users or movies [rows, n].

        For retrieval, these are the corrections to what `Describer.user_starts` and `Statistics.starts` give.
        """
        blocks = [self._vectors(inputs[start : start + BLOCK_ROWS]) for start in range(0, len(inputs), BLOCK_ROWS)]
        return np.concatenate(blocks) if blocks else np.zeros((0, self.layers[-1][0].shape[1]), dtype=np.float32)

    def scaled(self, inputs: np.ndarray) -> np.ndarray:
        """The inputs as the first layer gets them; far outliers are cut off."""
        return np.asarray(np.clip((inputs - self.centre) * self.scale, -FAR, FAR), dtype=np.float32)

    def _vectors(self, inputs: np.ndarray) -> np.ndarray:
        value = self.scaled(inputs)
        for kernel, bias in self.layers[:-1]:
            value = np.maximum(value @ kernel + bias, 0.0)
        kernel, bias = self.layers[-1]
        return np.asarray(value @ kernel + bias)


@dataclass(frozen=True, kw_only=True)
class Towers:
    """The two towers of one objective; `popularity` weighs a movie's log popularity in retrieval (0 for ratings)."""

    user: Tower
    movie: Tower
    popularity: float = 0.0

    def save(self, path: Path) -> None:
        arrays: dict[str, np.ndarray] = {"popularity": np.asarray(self.popularity, dtype=np.float32)}
        for name, tower in (("user", self.user), ("movie", self.movie)):
            arrays |= {f"{name}_centre": tower.centre, f"{name}_scale": tower.scale}
            for place, (kernel, bias) in enumerate(tower.layers):
                arrays |= {f"{name}_kernel_{place}": kernel, f"{name}_bias_{place}": bias}
        np.savez(path, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> Towers:
        with np.load(path) as saved:
            arrays = {name: saved[name] for name in saved.files}
        towers = {name: _tower(arrays, name) for name in ("user", "movie")}
        return cls(popularity=float(arrays["popularity"]), **towers)


def scaling(inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and one over the standard deviation of each column; a constant column is only centred."""
    centre, spread = inputs.mean(axis=0), inputs.std(axis=0)
    return centre.astype(np.float32), np.where(spread > 1e-6, 1.0 / np.maximum(spread, 1e-6), 1.0).astype(np.float32)


def pairs(weights: Sequence[np.ndarray]) -> Layers:
    """Kernels and biases in turn, as Keras lists them, as layers."""
    return tuple(zip(weights[::2], weights[1::2], strict=True))


def _tower(arrays: Mapping[str, np.ndarray], name: str) -> Tower:
    count = sum(each.startswith(f"{name}_kernel_") for each in arrays)
    layers = tuple((arrays[f"{name}_kernel_{place}"], arrays[f"{name}_bias_{place}"]) for place in range(count))
    return Tower(centre=arrays[f"{name}_centre"], scale=arrays[f"{name}_scale"], layers=layers)
