"""Which part of a classifier decides: words, runs of characters, network, or the source; processing, numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recipes.headline_classifier.features import NgramBags
from recipes.headline_classifier.inference import Classifier, weighted_sums

WIDE_PARTS = ("n-grams of words", "n-grams of characters", "address and publisher")
NETWORK = "network on word vectors"


@dataclass(frozen=True, kw_only=True)
class DecidingParts:
    """Logits of each part [parts, headlines, classes], in the order of `names`, whose sum with `bias` is the answer."""

    names: tuple[str, ...]
    logits: np.ndarray
    bias: np.ndarray

    @classmethod
    def of(cls, classifier: Classifier, titles: Sequence[str]) -> DecidingParts | None:
        """None for a classifier that is a network alone."""
        network, encoder = classifier.network, classifier.encoder
        if not network.has_wide_part:
            return None
        ngrams = encoder.ngrams(titles)
        deep = network.deep_weight * network.part_logits(encoder.sequences(titles), ngrams)[-1]
        kind = np.searchsorted(encoder.kind_starts[1:-1], ngrams.indices, side="right")
        kinds = range(3 if len(encoder.source_words) else 2)
        wide = [_logits(ngrams, network.weights["wide_table"], counted=kind == each) for each in kinds]
        names = (*(WIDE_PARTS[each] for each in kinds), NETWORK)
        return cls(names=names, logits=np.stack([*wide, deep]), bias=np.asarray(network.weights["wide_bias"]))

    def answers(self, *, without: int | None = None, only: int | None = None) -> np.ndarray:
        """The class numbers [headlines] that all parts give, all but one, or a single one."""
        chosen = [part for part in range(len(self.names)) if part != without and only in (None, part)]
        return np.asarray((self.logits[chosen].sum(axis=0) + self.bias).argmax(axis=1))

    def decisive(self) -> np.ndarray:
        """The number of the part [headlines] that adds most to the lead of the answer over the next class."""
        whole = self.logits.sum(axis=0) + self.bias
        rows, next_best = np.arange(len(whole)), whole.argsort(axis=1)[:, -2]
        return np.asarray((self.logits[:, rows, self.answers()] - self.logits[:, rows, next_best]).argmax(axis=0))


def _logits(ngrams: NgramBags, table: np.ndarray, *, counted: np.ndarray) -> np.ndarray:
    return weighted_sums(
        NgramBags(indices=ngrams.indices, values=ngrams.values * counted, offsets=ngrams.offsets), table
    )
