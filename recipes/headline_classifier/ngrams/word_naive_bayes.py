"""Naive Bayes on the words alone, which the wide part may take a share of; runs in the training image.

Where words hardly depend on each other it is the best there can be, and parts and pairs of words add noise only.
"""

from __future__ import annotations

import numpy as np

from recipes.headline_classifier.features import Encoder
from recipes.headline_classifier.ngrams.hashing import NgramHasher
from recipes.headline_classifier.ngrams.seen import counted
from recipes.headline_classifier.texts.encoded import EncodedHeadlines

SMOOTHING = 1.0
# Words that are hashed at a time.
BLOCK_WORDS = 50_000


def table(headlines: EncodedHeadlines, encoder: Encoder) -> np.ndarray:
    """What one unit of each n-gram adds to the logits (float32) [n-grams, classes], on average 0 over the classes.

    The log share of a word among the words of a class, each counted once per headline (Schneider 2004, "On Word
    Frequency Information and Negative Evidence in Naive Bayes Text Classification"), over the word's inverse document
    frequency: the wide part multiplies by that. It divides by the length of the n-grams of words, too, which leaves the
    order of the classes of a headline as it is.
    """
    counts = counted(headlines, encoder)
    found = np.zeros(counts.shape, np.float32)
    words = _single_words(encoder)
    inside = counts[words] + SMOOTHING
    scores = np.log(inside / inside.sum(axis=0))
    if (empty := counts.sum(axis=0) == 0).any():
        # Of a class without headlines every word would be as likely as any, and likelier than a rare one elsewhere.
        scores[:, empty] = scores[:, ~empty].min(axis=1, keepdims=True, initial=0.0)
    scores -= scores.mean(axis=1, keepdims=True)
    found[words] = scores / encoder.word_ngrams.idf[words, None]
    return found


def _single_words(encoder: Encoder) -> np.ndarray:
    """The numbers of the n-grams that are one word with a vector; other words come once and say next to nothing."""
    numbers = [np.empty(0, np.int64)]
    if len(encoder.word_ngrams):
        for start in range(0, len(encoder.words), BLOCK_WORDS):
            hasher = NgramHasher.of_words([[word] for word in encoder.words[start : start + BLOCK_WORDS]])
            numbers.append(encoder.word_ngrams.places(hasher.word_ngrams()[1])[1])
    return np.unique(np.concatenate(numbers))
