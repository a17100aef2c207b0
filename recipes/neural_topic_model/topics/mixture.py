"""Topics as distributions of words that documents mix, and the shares of a document by folding in; numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# More make shares sharper, and no better at what validation documents say next.
ITERATIONS = 8
# Few documents at once have few words of a large vocabulary between them.
BLOCK_DOCUMENTS = 64


@dataclass(frozen=True, kw_only=True)
class MixtureTopics:
    """Probabilities of words `word_shares` [topics, words], above zero, and of topics `prior` [topics].

    `pseudo_words` says how many words of a document the prior counts for.
    """

    word_shares: np.ndarray
    prior: np.ndarray
    pseudo_words: float

    def topic_shares(self, counts: np.ndarray) -> np.ndarray:
        """Share of each topic in documents given as counts of words, float [documents, topics], rows add up to 1.

        Expectation-maximisation with the topics fixed (folding in: Hofmann 1999, "Probabilistic Latent Semantic
        Indexing", section 4.1) and a Dirichlet prior; a document without words gets the prior.
        """
        starts = range(0, len(counts), BLOCK_DOCUMENTS)
        blocks = [self._folded_in(counts[start : start + BLOCK_DOCUMENTS]) for start in starts]
        return np.concatenate([np.empty((0, len(self.prior)), np.float32), *blocks])

    def word_probabilities(self, shares: np.ndarray) -> np.ndarray:
        """Probability of each word of documents with these shares [documents, words]."""
        return np.asarray(shares @ self.word_shares)

    def _folded_in(self, counts: np.ndarray) -> np.ndarray:
        used = np.flatnonzero(counts.any(axis=0))
        words = self.word_shares[:, used]
        words_first = np.ascontiguousarray(words.T)
        total = counts.sum(axis=1, keepdims=True) + self.pseudo_words
        seen, pseudo = counts[:, used] / total, self.pseudo_words * self.prior / total
        shares = np.tile(self.prior, (len(counts), 1))
        for _ in range(ITERATIONS):
            shares *= (seen / (shares @ words)) @ words_first
            shares += pseudo
        return shares
