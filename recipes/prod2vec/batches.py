"""Draws baskets, products of them and negatives inside the TensorFlow graph; runs in the training image.

A basket is a set: the order of the cart says more about the shelves than about the products. Skip-gram with a window on
a basket shuffled anew in each epoch pairs each two products with the same probability, which depends on the size of the
basket alone. So a step draws a basket in proportion to the pairs that such a window gives in expectation, then at
most `SLOTS` products of it, and uses all pairs of those. All randomness is a function of (seed, number of the draw):
a resumed training sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

import numpy as np

from recipes.prod2vec.features import RaggedArray
from trainyard.contract.lean.tensorflow import tf

# Slots of a pack. 16 products give 240 pairs from one gather; with more, epochs become so few steps that quality falls.
SLOTS = 16
SLOTS_MULTIPLE = 4
# Drawn for each basket and shared by those of a pack; shared by a whole batch they would ruin the vectors.
NEGATIVES_PER_BASKET = 16
# Each kind of random number has a stream of its own; the probabilities of an alias table are 8 further on.
LENGTH_STREAM, BASKET_STREAM, JITTER_STREAM, SHIFT_STREAM, SUBSAMPLING_STREAM, NEGATIVE_STREAM = 0, 2, 3, 4, 5, 6
ACCEPT_STREAM_OFFSET, STREAMS = 8, 16


def products_per_basket(lengths: np.ndarray) -> int:
    """Products drawn of each basket: enough for the mean one, since slots that baskets leave empty are wasted work."""
    return int(min(SLOTS, SLOTS_MULTIPLE * np.ceil(lengths.mean() / SLOTS_MULTIPLE)))


def expected_pairs(lengths: np.ndarray, window: int) -> np.ndarray:
    """Ordered pairs that skip-gram makes of sequences of these lengths, in expectation (float64).

    As in word2vec, the window of each position is uniform on 1 to `window`: two positions at distance `d` are paired
    with probability `(window - d + 1) / window`.
    """
    distance = np.arange(1, window + 1)
    probability = (window - distance + 1) / window
    positions = np.maximum(lengths[:, None] - distance[None], 0)
    return np.asarray(2.0 * (positions * probability).sum(axis=1))


def alias_table(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Walker's alias method: draw `i` uniformly, keep it with probability `accept[i]`, else take `alias[i]`.

    Exact for weights of any range, where a cumulated sum in float32 loses the rare ones. (Vose 1991, "A linear
    algorithm for generating random numbers with a given distribution")
    """
    scaled = (weights * (len(weights) / weights.sum())).tolist()
    accept, alias = np.ones(len(scaled), dtype=np.float32), np.arange(len(scaled), dtype=np.int32)
    small = [i for i, weight in enumerate(scaled) if weight < 1.0]
    large = [i for i, weight in enumerate(scaled) if weight >= 1.0]
    while small and large:
        low, high = small.pop(), large[-1]
        accept[low], alias[low] = scaled[low], high
        scaled[high] -= 1.0 - scaled[low]
        if scaled[high] < 1.0:
            small.append(large.pop())
    return accept, alias


class BasketSampler:
    """Draws the batches of `SkipGramTrainer.train_steps`; the same seed and arguments give the same.

    It fills packs of up to `SLOTS` products: one large basket, or several small ones that share their negatives.
    `baskets` holds at least two indices per row, shorter rows first. `keep_probability` and `negative_probability` are
    those, per product, to use an occurrence and to be drawn as a negative.
    """

    def __init__(
        self,
        baskets: RaggedArray,
        *,
        keep_probability: np.ndarray,
        negative_probability: np.ndarray,
        window: int,
        seed: int,
    ) -> None:
        lengths, first, count = np.unique(baskets.lengths, return_index=True, return_counts=True)
        pairs = expected_pairs(lengths, window)
        self.products_per_basket = products_per_basket(baskets.lengths)
        self.baskets_per_pack = SLOTS // self.products_per_basket
        products = np.minimum(lengths, self.products_per_basket)
        # Every basket of a length weighs what its window would give, divided by what one draw of it gives.
        weights = count * pairs / (products * (products - 1))
        self.pairs_per_epoch = float((count * pairs).sum())
        self.pairs_per_basket = self.pairs_per_epoch / float(weights.sum())
        self._seed = seed
        self._products = tf.constant(np.asarray(baskets.values))
        self._offsets = tf.constant(np.asarray(baskets.offsets))
        self._lengths = tf.constant(lengths.astype(np.int64))
        self._first_of_length = tf.constant(first.astype(np.int64))
        self._count_of_length = tf.constant(count.astype(np.int64))
        self._length_alias = tuple(tf.constant(each) for each in alias_table(weights))
        self._negative_alias = tuple(tf.constant(each) for each in alias_table(negative_probability))
        self._keep_probability = None if (keep_probability == 1.0).all() else tf.constant(keep_probability)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def draw(self, number: tf.Tensor, *, steps: int, baskets_per_step: int) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """The draw of this number: products and their mask (float) [steps, packs, slots], and negatives.

        A step has `baskets_per_step / baskets_per_pack` packs; negatives are [steps, packs, NEGATIVES_PER_BASKET *
        baskets_per_pack]. The mask is 1.0 where a slot is used.
        """
        baskets, shape = steps * baskets_per_step, (steps, baskets_per_step // self.baskets_per_pack, -1)
        length_index = self._from_alias_table(self._length_alias, (baskets,), number=number, stream=LENGTH_STREAM)
        length = tf.gather(self._lengths, length_index)
        row = tf.gather(self._first_of_length, length_index) + self._integers_below(
            tf.gather(self._count_of_length, length_index), number, stream=BASKET_STREAM
        )
        positions, used = self._positions(length, number)
        products = tf.gather(self._products, tf.gather(self._offsets, row)[:, None] + positions)
        if self._keep_probability is not None:
            uniform = tf.random.stateless_uniform(
                (baskets, self.products_per_basket), self._stateless_seed(number, SUBSAMPLING_STREAM)
            )
            used &= uniform < tf.gather(self._keep_probability, products)
        negatives = self._from_alias_table(
            self._negative_alias, (baskets, NEGATIVES_PER_BASKET), number=number, stream=NEGATIVE_STREAM
        )
        return (
            tf.reshape(products, shape),
            tf.reshape(tf.cast(used, tf.float32), shape),
            tf.reshape(negatives, shape),
        )

    def _positions(self, length: tf.Tensor, number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Positions in baskets of these lengths [baskets, products_per_basket], and which of them are used.

        One position from each of `products_per_basket` equal strata of the basket, turned by a random shift, so that
        any two products may meet. Short baskets are taken whole.
        """
        count = self.products_per_basket
        jitter = tf.random.stateless_uniform((length.shape[0], count), self._stateless_seed(number, JITTER_STREAM))
        strata = tf.range(count, dtype=tf.float32)[None] + jitter
        width = tf.cast(tf.maximum(length, count), tf.float32)[:, None] / count
        position = tf.cast(strata * width, tf.int64)
        shift = self._integers_below(length, number, stream=SHIFT_STREAM)
        return tf.math.floormod(position + shift[:, None], length[:, None]), position < length[:, None]

    def _stateless_seed(self, number: tf.Tensor, stream: int) -> tf.Tensor:
        return tf.stack([tf.constant(self._seed, tf.int32), tf.cast(number, tf.int32) * STREAMS + stream])

    def _integers_below(self, limit: tf.Tensor, number: tf.Tensor, *, stream: int) -> tf.Tensor:
        """Whole numbers from 0 to below `limit`, as even as 62 random bits make them."""
        bits = tf.random.stateless_uniform(
            limit.shape, self._stateless_seed(number, stream), minval=0, maxval=2**62, dtype=tf.int64
        )
        return tf.math.floormod(bits, limit)

    def _from_alias_table(
        self, table: tuple[tf.Tensor, ...], shape: tuple[int, ...], *, number: tf.Tensor, stream: int
    ) -> tf.Tensor:
        accept, alias = table
        index = tf.random.stateless_uniform(
            shape, self._stateless_seed(number, stream), minval=0, maxval=accept.shape[0], dtype=tf.int32
        )
        uniform = tf.random.stateless_uniform(shape, self._stateless_seed(number, stream + ACCEPT_STREAM_OFFSET))
        return tf.where(uniform < tf.gather(accept, index), index, tf.gather(alias, index))
