"""A trained pair of towers as plain arrays: vectors of users and movies without TensorFlow; train, evaluate, serve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

BLOCK_ROWS = 16_384
# Standard deviations beyond which a feature is cut off.
CLIP = 5.0

Layers = tuple[tuple[np.ndarray, np.ndarray], ...]


@dataclass(frozen=True, kw_only=True)
class Standardization:
    """`centre` [n] is taken from features, which are then multiplied by `scale` [n]."""

    centre: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, features: np.ndarray) -> Standardization:
        """Mean and one over the standard deviation of each column [rows, n]; a constant column is only centred."""
        centre, spread = features.mean(axis=0), features.std(axis=0)
        scale = np.where(spread > 1e-6, 1.0 / np.maximum(spread, 1e-6), 1.0)
        return cls(centre=centre.astype(np.float32), scale=scale.astype(np.float32))

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """The features as the first layer gets them (float32 [rows, n]); far outliers are cut off."""
        return np.asarray(np.clip((features - self.centre) * self.scale, -CLIP, CLIP), dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Tower:
    """Dense layers with ReLU between them: `layers` holds kernels [in, out] and biases [out]."""

    standardize: Standardization
    layers: Layers

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Vectors (float32 [rows, embedding_size]) of the features of users or movies [rows, n].

        For retrieval, these are the corrections to `Featurizer.user_base_vectors` and `MovieStatistics.base_vectors`.
        """
        blocks = [self._vectors(features[start : start + BLOCK_ROWS]) for start in range(0, len(features), BLOCK_ROWS)]
        return np.concatenate(blocks) if blocks else np.zeros((0, self.layers[-1][0].shape[1]), dtype=np.float32)

    def _vectors(self, features: np.ndarray) -> np.ndarray:
        value = self.standardize(features)
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
            arrays |= {f"{name}_centre": tower.standardize.centre, f"{name}_scale": tower.standardize.scale}
            for number, (kernel, bias) in enumerate(tower.layers):
                arrays |= {f"{name}_kernel_{number}": kernel, f"{name}_bias_{number}": bias}
        np.savez(path, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> Towers:
        with np.load(path) as saved:
            arrays = {name: saved[name] for name in saved.files}
        towers = {name: _tower(arrays, name) for name in ("user", "movie")}
        return cls(popularity=float(arrays["popularity"]), **towers)


def dense_layers(weights: Sequence[np.ndarray]) -> Layers:
    """Layers from kernels and biases in turn, as Keras lists them."""
    return tuple(zip(weights[::2], weights[1::2], strict=True))


def _tower(arrays: Mapping[str, np.ndarray], name: str) -> Tower:
    count = sum(each.startswith(f"{name}_kernel_") for each in arrays)
    layers = tuple((arrays[f"{name}_kernel_{number}"], arrays[f"{name}_bias_{number}"]) for number in range(count))
    standardize = Standardization(centre=arrays[f"{name}_centre"], scale=arrays[f"{name}_scale"])
    return Tower(standardize=standardize, layers=layers)
