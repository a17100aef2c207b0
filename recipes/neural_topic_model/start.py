"""Where the training of topics starts, and how often words meet: both from the training documents; training image."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans
from sklearn.utils.extmath import randomized_svd

from recipes.neural_topic_model.coherence import document_npmi
from recipes.neural_topic_model.features import Bags
from recipes.neural_topic_model.topics import weighted_counts

# A fair sample is enough for both, and keeps their cost from growing with the collection.
SAMPLED_DOCUMENTS = 10_000
LATENT_DIMENSIONS = 50
CLUSTER_STARTS = 5
SMOOTHING = 0.002
DEVIATION = 0.3


def initial_topics(bags: Bags, importance: np.ndarray, *, topics: int, seed: int) -> np.ndarray:
    """Log-odds of words [topics, words] of clusters of documents: small numbers that training moves away from.

    Documents are clustered by k-means in the space of latent semantic analysis (Deerwester et al. 1990).
    """
    weighted = _unit(weighted_counts(_sample(bags), importance))
    left, strength, _ = randomized_svd(weighted, min(LATENT_DIMENSIONS, *weighted.shape), random_state=seed)
    found = KMeans(topics, n_init=CLUSTER_STARTS, random_state=seed).fit(_unit(left * strength))
    means = np.stack([weighted[found.labels_ == topic].mean(axis=0) for topic in range(topics)])
    log_odds = np.log(means + SMOOTHING)
    log_odds -= log_odds.mean(axis=0)
    return np.asarray(DEVIATION * log_odds / log_odds.std(), dtype=np.float32)


def meeting_words(bags: Bags) -> np.ndarray:
    """NPMI of every two words [words, words] over documents; 0 on the diagonal."""
    table = document_npmi((_sample(bags) > 0).astype(np.float32))
    np.fill_diagonal(table, 0.0)
    return np.asarray(table, dtype=np.float32)


def _sample(bags: Bags) -> np.ndarray:
    count = min(SAMPLED_DOCUMENTS, len(bags))
    return bags.dense(np.unique(np.linspace(0, len(bags) - 1, count).round().astype(int)))


def _unit(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0))
