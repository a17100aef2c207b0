"""What a trained network's wide part gets beside its own weights, and how much of it; runs in the training image.

A linear support vector machine, complement naive Bayes, naive Bayes on words and a part of the classes' frequencies.
All are linear in the same n-grams, so that their sum is one table and costs nothing when it is served.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recipes.headline_classifier.features import Encoder
from recipes.headline_classifier.inference import combined_logits, weighted_sums
from recipes.headline_classifier.network.calibration import least_losses
from recipes.headline_classifier.network.trainer import Trainer
from recipes.headline_classifier.ngrams import complement_naive_bayes, linear_svm, word_naive_bayes
from recipes.headline_classifier.texts.encoded import EncodedHeadlines
from trainyard.contract.training.paired_losses import clearly_lower

# Training headlines up to which a support vector machine helps, and the frequencies: of more, the network learns enough
# to be the better one, and to know how likely a class is. Naive Bayes on words is tried with more only.
FEW_HEADLINES = 5_000
# Of the spread of the network's logits, that of what is added. Chosen on splits of real headlines, reviews, sentences,
# titles of films and names of products, of 500 to 2,000 texts.
SVM_SHARE = 1.0
# Rare classes count more in the loss. Where a text says little, so much of the classes' frequencies is given back.
FREQUENCY_SHARE = 0.1
LEAST_SPREAD = 1e-6


@dataclass(frozen=True, kw_only=True)
class Shares:
    """How much of a part may be taken, in units of spread, and when it is another share than the usual one.

    `least_gain` is the gain in standard errors beyond which it is: few headlines would often choose a share by chance.
    A `simple` part is then taken as far as validation does not clearly speak against it, by one standard error
    (Breiman et al. 1984, "Classification and Regression Trees", section 3.4.3).
    """

    tried: tuple[float, ...]
    usual: float
    least_gain: float
    simple: bool = False


COMPLEMENT = Shares(tried=(0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0), usual=0.75, least_gain=2.0)
# Where words hardly depend on each other, nothing is better than naive Bayes on words alone, which ten times as much of
# it is next to. Real headlines lose by much of it, and by a quarter they do not.
WORDS = Shares(tried=(0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0), usual=0.0, least_gain=1.0, simple=True)


@dataclass(frozen=True, kw_only=True)
class Factors:
    """By what the support vector machine, both naive Bayes and the logarithms of the classes' shares are multiplied."""

    svm: float
    naive_bayes: float
    words: float
    frequency: float


@dataclass(frozen=True, kw_only=True)
class _Tables:
    """What one unit of each n-gram adds by each part [n-grams, classes], and the bias of the machine [classes]."""

    svm: np.ndarray
    svm_bias: np.ndarray
    naive_bayes: np.ndarray
    words: np.ndarray

    @classmethod
    def of(cls, headlines: EncodedHeadlines, encoder: Encoder, *, svm: bool, words: bool) -> _Tables:
        """Those of `headlines`; zeros for what is not wanted."""
        shape = encoder.ngram_count, len(encoder.classes)
        none = np.zeros(shape, np.float32)
        table, bias = linear_svm.table(headlines, shape=shape) if svm else (none, np.zeros(shape[1], np.float32))
        by_words = word_naive_bayes.table(headlines, encoder) if words else none
        naive_bayes = complement_naive_bayes.table(headlines, shape=shape)
        return cls(svm=table, svm_bias=bias, naive_bayes=naive_bayes, words=by_words)


def add_chosen(trainer: Trainer, headlines: EncodedHeadlines, *, validation: EncodedHeadlines) -> Factors:
    """Add the linear parts of `headlines`, of which `validation` chooses how much; returns how much that is."""
    network, labels = trainer.network(), validation.labels
    logits = combined_logits(network.part_logits(validation.sequences, validation.ngrams), network.deep_weight)
    unit, few = _spread(logits), len(headlines) <= FEW_HEADLINES
    tables = _Tables.of(headlines, trainer.encoder, svm=few, words=not few)
    added = weighted_sums(validation.ngrams, tables.svm) + tables.svm_bias
    svm = SVM_SHARE * unit / _spread(added) if _spread(added) > LEAST_SPREAD else 0.0
    logits = logits + svm * added
    added = weighted_sums(validation.ngrams, tables.naive_bayes)
    naive_bayes = fitted_factor(logits, added, labels=labels, unit=unit, shares=COMPLEMENT)
    logits = logits + naive_bayes * added
    added = weighted_sums(validation.ngrams, tables.words)
    words = fitted_factor(logits, added, labels=labels, unit=unit, shares=WORDS)
    temperature = least_losses(logits + words * added, labels)[1]
    frequency = FREQUENCY_SHARE * temperature * few
    factors = Factors(svm=svm, naive_bayes=naive_bayes, words=words, frequency=frequency)
    _add(trainer, factors, labels=headlines.labels, tables=tables)
    return factors


def add(trainer: Trainer, headlines: EncodedHeadlines, *, factors: Factors) -> None:
    """Add as much of the linear parts of `headlines` as was chosen."""
    tables = _Tables.of(headlines, trainer.encoder, svm=factors.svm > 0.0, words=factors.words > 0.0)
    _add(trainer, factors, labels=headlines.labels, tables=tables)


def fitted_factor(logits: np.ndarray, added: np.ndarray, *, labels: np.ndarray, unit: float, shares: Shares) -> float:
    """The factor of `added` [n, classes] beside `logits`: one of the shares, in units of the spread `unit`.

    It is the usual one unless others clearly gain on it (`Shares`): then the one of these with the least cross-entropy.
    It is 0 where `added` says nothing of any headline.
    """
    if _spread(added) < LEAST_SPREAD:
        return 0.0
    unit = unit / _spread(added)
    losses = {share: least_losses(logits + share * unit * added, labels)[0] for share in shares.tried}
    usual, least = losses[shares.usual], shares.least_gain
    better = [each for each in shares.tried if clearly_lower(losses[each], usual, errors=least)]
    best = min(better, key=lambda share: float(losses[share].mean()), default=shares.usual)
    if better and shares.simple:
        best = max(each for each in shares.tried if not clearly_lower(losses[best], losses[each], errors=1.0))
    return unit * best


def _add(trainer: Trainer, factors: Factors, *, labels: np.ndarray, tables: _Tables) -> None:
    logarithms = np.log(np.maximum(np.bincount(labels, minlength=len(tables.svm_bias)), 1))
    bias = factors.svm * tables.svm_bias + factors.frequency * (logarithms - logarithms.mean())
    table = factors.svm * tables.svm + factors.naive_bayes * tables.naive_bayes + factors.words * tables.words
    trainer.add_to_wide(table, bias=bias.astype(np.float32))


def _spread(logits: np.ndarray) -> float:
    return float((logits - logits.mean(axis=1, keepdims=True)).std())
