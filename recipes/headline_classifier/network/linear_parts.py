"""What a trained network's wide part gets beside its own weights, and how much of it; runs in the training image.

A linear support vector machine, complement naive Bayes and a part of the classes' frequencies. All are linear in the
same n-grams, so that their sum is one table and costs nothing when it is served.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recipes.headline_classifier.inference import combined_logits, weighted_sums
from recipes.headline_classifier.network.calibration import least_losses
from recipes.headline_classifier.network.trainer import Trainer
from recipes.headline_classifier.ngrams import complement_naive_bayes, linear_svm
from recipes.headline_classifier.texts.encoded import EncodedHeadlines

# Training headlines up to which a support vector machine helps, and the frequencies: of more, the network learns enough
# to be the better one, and to know how likely a class is.
FEW_HEADLINES = 5_000
# Of the spread of the network's logits, that of what is added. Chosen on splits of real headlines, reviews, sentences,
# titles of films and names of products, of 500 to 2,000 texts.
SVM_SHARE = 1.0
NAIVE_BAYES_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
USUAL_SHARE = 0.75
# Standard errors of its gain beyond which another share is taken.
LEAST_GAIN = 2.0
# Rare classes count more in the loss. Where a text says little, so much of the classes' frequencies is given back.
FREQUENCY_SHARE = 0.1
LEAST_SPREAD = 1e-6


@dataclass(frozen=True, kw_only=True)
class Factors:
    """By what the support vector machine, naive Bayes and the logarithms of the classes' shares are multiplied."""

    svm: float
    naive_bayes: float
    frequency: float


def add_chosen(trainer: Trainer, headlines: EncodedHeadlines, *, validation: EncodedHeadlines) -> Factors:
    """Add the linear parts of `headlines`, of which `validation` chooses how much; returns how much that is."""
    network, shape = trainer.network(), _shape(trainer)
    logits = combined_logits(network.part_logits(validation.sequences, validation.ngrams), network.deep_weight)
    unit, few = _spread(logits), len(headlines) <= FEW_HEADLINES
    svm = _svm(headlines, shape, wanted=few)
    added = weighted_sums(validation.ngrams, svm[0]) + svm[1]
    svm_factor = SVM_SHARE * unit / _spread(added) if _spread(added) > LEAST_SPREAD else 0.0
    table = complement_naive_bayes.table(headlines, shape=shape)
    by_bayes = weighted_sums(validation.ngrams, table)
    logits = logits + svm_factor * added
    bayes_factor = fitted_factor(logits, by_bayes, labels=validation.labels, unit=unit)
    temperature = least_losses(logits + bayes_factor * by_bayes, validation.labels)[1]
    factors = Factors(svm=svm_factor, naive_bayes=bayes_factor, frequency=FREQUENCY_SHARE * temperature * few)
    _add(trainer, factors, headlines=headlines, svm=svm, bayes=table)
    return factors


def add(trainer: Trainer, headlines: EncodedHeadlines, *, factors: Factors) -> None:
    """Add as much of the linear parts of `headlines` as was chosen."""
    shape = _shape(trainer)
    bayes = complement_naive_bayes.table(headlines, shape=shape)
    svm = _svm(headlines, shape, wanted=factors.svm > 0.0)
    _add(trainer, factors, headlines=headlines, svm=svm, bayes=bayes)


def fitted_factor(logits: np.ndarray, added: np.ndarray, *, labels: np.ndarray, unit: float) -> float:
    """The factor of `added` [n, classes] beside `logits`: one of the shares of naive Bayes, in units of spread.

    It is the share of least cross-entropy where that gains more on the usual share than so many standard errors of the
    gain: few headlines would often choose a share by chance. It is 0 where `added` says nothing of any headline.
    """
    if _spread(added) < LEAST_SPREAD:
        return 0.0
    unit = unit / _spread(added)
    losses = {share: least_losses(logits + share * unit * added, labels)[0] for share in NAIVE_BAYES_SHARES}
    best = min(NAIVE_BAYES_SHARES, key=lambda share: float(losses[share].mean()))
    gain = losses[USUAL_SHARE] - losses[best]
    clear = gain.mean() > LEAST_GAIN * gain.std() / np.sqrt(len(gain))
    return unit * (best if clear else USUAL_SHARE)


def _svm(headlines: EncodedHeadlines, shape: tuple[int, int], *, wanted: bool) -> tuple[np.ndarray, np.ndarray]:
    if not wanted:
        return np.zeros(shape, np.float32), np.zeros(shape[1], np.float32)
    return linear_svm.table(headlines, shape=shape)


def _add(
    trainer: Trainer,
    factors: Factors,
    *,
    headlines: EncodedHeadlines,
    svm: tuple[np.ndarray, np.ndarray],
    bayes: np.ndarray,
) -> None:
    logarithms = np.log(np.maximum(np.bincount(headlines.labels, minlength=bayes.shape[1]), 1))
    bias = factors.svm * svm[1] + factors.frequency * (logarithms - logarithms.mean())
    trainer.add_to_wide(factors.svm * svm[0] + factors.naive_bayes * bayes, bias=bias.astype(np.float32))


def _shape(trainer: Trainer) -> tuple[int, int]:
    return trainer.encoder.ngram_count, len(trainer.encoder.classes)


def _spread(logits: np.ndarray) -> float:
    return float((logits - logits.mean(axis=1, keepdims=True)).std())
