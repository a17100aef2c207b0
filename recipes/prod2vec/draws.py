"""Draws baskets, products of them and negatives inside the TensorFlow graph; runs in the training image.

A basket is a set: the order of the cart says more about the shelves than about the products. Skip-gram with a window on
a basket shuffled anew in each epoch pairs each two products with the same chance, which depends on the size of the
basket alone. So a step draws a basket in proportion to the pairs that such a window gives in expectation, then at
most `PLACES` products of it, and uses all pairs of those. All randomness is a function of (seed, number of the draw):
a resumed training sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from recipes.prod2vec.features import Ragged

# 16 products give 240 pairs from one gather; with more, epochs become so few steps that quality falls.
PLACES = 16
PLACES_STEP = 4
# Brought by each basket and shared by those of a unit; shared by a whole batch they would ruin the vectors.
NEGATIVES = 16


def products_drawn(lengths: np.ndarray) -> int:
    """Products drawn of each basket: enough for the mean one, since places that baskets leave empty are wasted work."""
    return int(min(PLACES, PLACES_STEP * np.ceil(lengths.mean() / PLACES_STEP)))


def window_pairs(lengths: np.ndarray, window: int) -> np.ndarray:
    """Ordered pairs that skip-gram makes of sequences of these lengths, in expectation (float64).

    As in word2vec, the window of each position is uniform on 1 to `window`: two positions at distance `d` are paired
    with probability `(window - d + 1) / window`.
    """
    distance = np.arange(1, window + 1)
    chance = (window - distance + 1) / window
    positions = np.maximum(lengths[:, None] - distance[None], 0)
    return np.asarray(2.0 * (positions * chance).sum(axis=1))


def alias_table(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Walker's alias method: draw `i` uniformly, keep it with probability `accept[i]`, else take `other[i]`.

    Exact for weights of any range, where a cumulated sum in float32 loses the rare ones. (Vose 1991, "A linear
    algorithm for generating random numbers with a given distribution")
    """
    scaled = (weights * (len(weights) / weights.sum())).tolist()
    accept, other = np.ones(len(scaled), dtype=np.float32), np.arange(len(scaled), dtype=np.int32)
    small = [i for i, weight in enumerate(scaled) if weight < 1.0]
    large = [i for i, weight in enumerate(scaled) if weight >= 1.0]
    while small and large:
        low, high = small.pop(), large[-1]
        accept[low], other[low] = scaled[low], high
        scaled[high] -= 1.0 - scaled[low]
        if scaled[high] < 1.0:
            small.append(large.pop())
    return accept, other


class BasketSampler:
    """Draws what `SkipGramTrainer.steps` eats; the same seed and arguments give the same.

    It fills units of up to `PLACES` places: one large basket, or several small ones that share their negatives.
    `baskets` holds at least two indices per row, shorter rows first. `keep` and `negative` are the chances, per
    product, to use an occurrence and to be drawn as a negative.
    """

    def __init__(
        self,
        baskets: Ragged,
        *,
        keep: np.ndarray,
        negative: np.ndarray,
        window: int,
        seed: int,
    ) -> None:
        lengths, first, count = np.unique(baskets.lengths, return_index=True, return_counts=True)
        pairs = window_pairs(lengths, window)
        self.drawn = products_drawn(baskets.lengths)
        self.per_unit = PLACES // self.drawn
        drawn = np.minimum(lengths, self.drawn)
        # Every basket of a length weighs what its window would give, divided by what one draw of it gives.
        weights = count * pairs / (drawn * (drawn - 1))
        self.pairs_per_epoch = float((count * pairs).sum())
        self.pairs_per_basket = self.pairs_per_epoch / float(weights.sum())
        self._seed = seed
        self._products = tf.constant(np.asarray(baskets.values))
        self._offsets = tf.constant(np.asarray(baskets.offsets))
        self._lengths = tf.constant(lengths.astype(np.int64))
        self._first = tf.constant(first.astype(np.int64))
        self._count = tf.constant(count.astype(np.int64))
        self._length_alias = tuple(tf.constant(each) for each in alias_table(weights))
        self._negative_alias = tuple(tf.constant(each) for each in alias_table(negative))
        self._keep = None if (keep == 1.0).all() else tf.constant(keep)

    @tf.function  # type: ignore[untyped-decorator]
    def draw(self, number: tf.Tensor, *, steps: int, per_step: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The draw of this number: products and their use (float) [steps, units, places], and negatives.

        `per_step` baskets make `per_step / per_unit` units; negatives are [steps, units, NEGATIVES * per_unit].
        """
        baskets, shape = steps * per_step, (steps, per_step // self.per_unit, -1)
        length_class = self._aliased(self._length_alias, (baskets,), number, 0)
        length = tf.gather(self._lengths, length_class)
        row = tf.gather(self._first, length_class) + self._below(tf.gather(self._count, length_class), number, 2)
        place, used = self._places(length, number)
        products = tf.gather(self._products, tf.gather(self._offsets, row)[:, None] + place)
        if self._keep is not None:
            chance = tf.random.stateless_uniform((baskets, self.drawn), self._seeds(number, 5))
            used &= chance < tf.gather(self._keep, products)
        negatives = self._aliased(self._negative_alias, (baskets, NEGATIVES), number, 6)
        return (
            tf.reshape(products, shape),
            tf.reshape(tf.cast(used, tf.float32), shape),
            tf.reshape(negatives, shape),
        )

    def _places(self, length: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Places in baskets of these lengths [baskets, drawn], and which of them are meant.

        One place from each of `drawn` equal strata of the basket, turned by a random shift, so that any two products
        may meet. Short baskets are taken whole.
        """
        jitter = tf.random.stateless_uniform((length.shape[0], self.drawn), self._seeds(number, 3))
        strata = tf.range(self.drawn, dtype=tf.float32)[None] + jitter
        width = tf.cast(tf.maximum(length, self.drawn), tf.float32)[:, None] / self.drawn
        place = tf.cast(strata * width, tf.int64)
        shift = self._below(length, number, 4)
        return tf.math.floormod(place + shift[:, None], length[:, None]), place < length[:, None]

    def _seeds(self, number: tf.Tensor, stream: int) -> tf.Tensor:
        return tf.stack([tf.constant(self._seed, tf.int32), tf.cast(number, tf.int32) * 16 + stream])

    def _below(self, limit: tf.Tensor, number: tf.Tensor, stream: int) -> tf.Tensor:
        """Whole numbers from 0 to below `limit`, as even as 62 random bits make them."""
        bits = tf.random.stateless_uniform(
            limit.shape, self._seeds(number, stream), minval=0, maxval=2**62, dtype=tf.int64
        )
        return tf.math.floormod(bits, limit)

    def _aliased(
        self, table: tuple[tf.Tensor, ...], shape: tuple[int, ...], number: tf.Tensor, stream: int
    ) -> tf.Tensor:
        accept, other = table
        index = tf.random.stateless_uniform(
            shape, self._seeds(number, stream), minval=0, maxval=accept.shape[0], dtype=tf.int32
        )
        chance = tf.random.stateless_uniform(shape, self._seeds(number, stream + 8))
        return tf.where(chance < tf.gather(accept, index), index, tf.gather(other, index))
