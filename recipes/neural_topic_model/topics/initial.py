"""Where the training of topics starts: the topics of matrix factorisation; runs in the training image."""

from __future__ import annotations

import numpy as np

LOG_ODDS_DEVIATION = 1.25


def initial_topics(word_shares: np.ndarray) -> np.ndarray:
    """Log-odds of words, float32 [topics, words], of topics with these probabilities, brought to a common deviation."""
    log_odds = np.log(np.maximum(word_shares, 1e-12)).astype(np.float64)
    log_odds -= log_odds.mean(axis=0)
    return np.asarray(LOG_ODDS_DEVIATION * log_odds / max(float(log_odds.std()), 1e-9), dtype=np.float32)
