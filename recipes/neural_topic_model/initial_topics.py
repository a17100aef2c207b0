"""Where the training of topics starts: the word weights of clusters of documents; runs in the training image."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans
from sklearn.utils.extmath import randomized_svd

from recipes.neural_topic_model.inference import tf_idf

LATENT_DIMENSIONS = 50
KMEANS_RESTARTS = 5
SMOOTHING = 0.002
LOG_ODDS_DEVIATION = 0.3


def initial_topics(counts: np.ndarray, idf: np.ndarray, *, topics: int, seed: int) -> np.ndarray:
    """Log-odds of words [topics, words] of clusters of documents: small numbers that training moves away from.

    Documents, given as counts [documents, words], are clustered by k-means in the space of latent semantic analysis
    (Deerwester et al. 1990).
    """
    weights = _unit_rows(tf_idf(counts, idf))
    left, singular_values, _ = randomized_svd(weights, min(LATENT_DIMENSIONS, *weights.shape), random_state=seed)
    clusters = KMeans(topics, n_init=KMEANS_RESTARTS, random_state=seed).fit(_unit_rows(left * singular_values))
    means = np.stack([weights[clusters.labels_ == topic].mean(axis=0) for topic in range(topics)])
    log_odds = np.log(means + SMOOTHING)
    log_odds -= log_odds.mean(axis=0)
    return np.asarray(LOG_ODDS_DEVIATION * log_odds / log_odds.std(), dtype=np.float32)


def _unit_rows(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0))
