"""Chooses on validation documents which topics are served, and which words stand for them; runs in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from recipes.neural_topic_model.inference import TopicModel
from recipes.neural_topic_model.metrics import Halves, completion_of_halves, mean_pair, topic_uniqueness
from recipes.neural_topic_model.topics.mixture import MixtureTopics
from recipes.neural_topic_model.topics.top_words import choose, ranking, relevance

# Names and word clouds are made of so many words of a topic.
ORDERED_WORDS = 100
# Weights of the network beside the mixture that are tried, beside the network alone.
MIXED_WEIGHTS = (0.0, 0.25, 0.5)
# Weights of coherence that are tried; words are kept nearly as unique as they are without any.
COHERENCE_WEIGHTS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0)
PLATEAU = 0.02
DISTINCT, DISTINCT_SHARE = 0.70, 0.85


@dataclass(frozen=True, kw_only=True)
class Judge:
    """What candidates are judged with.

    `halves` are validation documents, `npmi` that of their words and `coherence` what training documents let expect of
    it, both [words, words]; `frequency` is each word's share of all words, `listed` how many words stand for a topic.
    """

    halves: Halves
    npmi: np.ndarray
    coherence: np.ndarray
    frequency: np.ndarray
    listed: int

    def quality(self, words: np.ndarray) -> dict[str, float]:
        """Figures of topics given as columns of words [topics, listed], as the tuner reads them."""
        coherent = float(np.mean([mean_pair(self.npmi, each) for each in words]))
        distinct = topic_uniqueness([[str(word) for word in each] for each in words])
        return {
            "validation_npmi": coherent,
            "topic_uniqueness": distinct,
            "validation_topic_quality": coherent * distinct,
        }

    def better(self, network: TopicModel, mixture: MixtureTopics) -> tuple[TopicModel, dict[str, float]]:
        """The model to serve, with its words in order, and its figures.

        Of the network, the mixture and both at once it is what says most about the other half of validation documents.
        """
        both = {weight: replace(network, mixture=mixture, network_weight=weight) for weight in MIXED_WEIGHTS}
        tried = {1.0: network, **both}
        gains = {weight: self._gain(each) for weight, each in tried.items()}
        weight = max(gains, key=lambda each: gains[each])
        order, figures = self._ordered(tried[weight])
        kept = {"validation_completion_gain": gains[weight], "network_weight": weight, **figures}
        return replace(tried[weight], word_order=order), kept

    def _gain(self, model: TopicModel) -> float:
        return float(completion_of_halves(model, self.halves, frequency=self.frequency).mean())

    def _ordered(self, model: TopicModel) -> tuple[np.ndarray, Mapping[str, float]]:
        """The first words of each topic [topics, some], and their figures."""
        relevant = relevance(model.topic_probabilities(), self.frequency)
        tried = [choose(relevant, self.coherence, weight=weight, count=self.listed) for weight in COHERENCE_WEIGHTS]
        figures = [self.quality(each) for each in tried]
        best = plateau(figures)
        return ranking(relevant, tried[best], count=ORDERED_WORDS).astype(np.int32), figures[best]


def plateau(figures: Sequence[Mapping[str, float]]) -> int:
    """The place of the first whose coherence is within `PLATEAU` of the best of those whose topics are distinct.

    Distinct topics have `DISTINCT_SHARE` of the first ones' uniqueness, and `DISTINCT` at least: the first ones, chosen
    without regard to coherence, are the most distinct, and kept where no others are.
    """
    least = max(DISTINCT, DISTINCT_SHARE * figures[0]["topic_uniqueness"])
    distinct = [place for place, each in enumerate(figures) if each["topic_uniqueness"] >= least] or [0]
    enough = max(figures[place]["validation_npmi"] for place in distinct) - PLATEAU
    return next(place for place in distinct if figures[place]["validation_npmi"] >= enough)
