"""What some of the headlines say of n-grams, and headlines as those see them that were not counted; numpy only.

Vocabulary and log odds belong to all headlines that a model may learn from. While some of these choose settings, they
must look as new headlines will look: with n-grams that nobody has seen, and log odds that know nothing of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from recipes.headline_classifier.features import Encoder, NgramBags, NgramVocabulary
from recipes.headline_classifier.ngrams.counts import log_odds
from recipes.headline_classifier.texts.encoded import EncodedHeadlines


def counted(headlines: EncodedHeadlines, encoder: Encoder) -> np.ndarray:
    """How many of the headlines of each class hold each n-gram [n-grams, classes]."""
    return headlines.summed((encoder.ngram_count, len(encoder.classes)), values=False)


def as_new(
    validation: EncodedHeadlines, train: EncodedHeadlines, *, encoder: Encoder, smoothing: float
) -> tuple[Encoder, EncodedHeadlines]:
    """The encoder as `train` alone gives it, and `validation` without the n-grams that `train` does not hold."""
    counts = counted(train, encoder)
    class_counts = np.bincount(train.labels, minlength=len(encoder.classes))
    known = replace(encoder, log_odds=log_odds(counts, class_counts, smoothing=smoothing))
    bags = _without(validation.ngrams, counts.sum(axis=1) == 0, kind_starts=encoder.kind_starts)
    return known, replace(validation, ngrams=bags)


def only(encoder: Encoder, kept: np.ndarray) -> Encoder:
    """The encoder that knows those n-grams alone of which `kept` [n-grams] is true."""
    of_kinds = np.split(kept, encoder.kind_starts[1:-1])
    words, characters, source = (_some(*each) for each in zip(encoder.vocabularies, of_kinds, strict=True))
    return replace(
        encoder,
        word_ngrams=words,
        character_ngrams=characters,
        source_words=source,
        log_odds=encoder.log_odds[kept],
    )


def _some(vocabulary: NgramVocabulary, kept: np.ndarray) -> NgramVocabulary:
    return NgramVocabulary(hashes=vocabulary.hashes[kept], idf=vocabulary.idf[kept])


def _without(bags: NgramBags, unseen: np.ndarray, *, kind_starts: Sequence[int]) -> NgramBags:
    """Bags that lack the n-grams `unseen`; those of each kind have length 1 again."""
    kept = ~unseen[bags.indices]
    rows, indices, values = bags.rows[kept], bags.indices[kept], bags.values[kept]
    kinds = len(kind_starts) - 1
    kind = kinds * rows + np.searchsorted(kind_starts[1:-1], indices, side="right")
    lengths = np.sqrt(np.bincount(kind, weights=values.astype(np.float64) ** 2, minlength=kinds * len(bags)))
    return NgramBags(
        indices=indices,
        values=(values / lengths[kind]).astype(np.float32),
        offsets=np.searchsorted(rows, np.arange(len(bags) + 1)),
    )
