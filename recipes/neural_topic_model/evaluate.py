"""Scores topics and what they say about held-out documents, beside LDA and NMF; training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq

from recipes.neural_topic_model.baselines import Lda, nmf_topics
from recipes.neural_topic_model.coherence import embedding_coherence, npmi, topic_uniqueness
from recipes.neural_topic_model.completion import completion_gains, load_unigram
from recipes.neural_topic_model.config import Config
from recipes.neural_topic_model.features import Bags, Vocabulary
from recipes.neural_topic_model.topics import TopicModel
from recipes.neural_topic_model.word_vectors import WordVectors
from trainyard.scores import Scores

LEMMAS_FILE = "lemmas.parquet"
REFERENCE_FILE = "reference.parquet"


def score(model_dir: Path, holdout: Path, config: Config) -> Scores:
    """Scores of a model; `completion_gain` per held-out document is what champion and challenger are compared on.

    WETC, TU and NPMI judge lists of words, one number a model; whether a model also says more about unseen documents
    is a number per document, from which noise can be told.
    """
    model = TopicModel.load(model_dir)
    gains = completion_gains(model, lemmas(holdout / LEMMAS_FILE), load_unigram(holdout))
    topics = model.top_words(config.data.top_words)
    return Scores(metrics={"completion_gain": float(gains.mean()), **word_scores(topics, holdout)}, examples=gains)


def references(train: Path, holdout: Path, config: Config) -> dict[str, dict[str, float]]:
    """LDA and NMF with as many topics, trained on the same bags; NMF gives no probabilities, so no completion gain."""
    bags, vocabulary = Bags.load(train), Vocabulary.load(train)
    count, topics = config.data.top_words, config.hyperparameters.topics
    lda = Lda.fit(bags, vocabulary, topics=topics, seed=config.seed)
    gains = completion_gains(lda, lemmas(holdout / LEMMAS_FILE), load_unigram(holdout))
    nmf = nmf_topics(bags, vocabulary, topics=topics, count=count, seed=config.seed)
    return {
        "LDA (gensim)": {"completion_gain": float(gains.mean()), **word_scores(lda.top_words(count), holdout)},
        "NMF (scikit-learn)": word_scores(nmf, holdout),
    }


def word_scores(topics: Sequence[Sequence[str]], holdout: Path) -> dict[str, float]:
    """WETC, TU, NPMI over training documents and over held-out ones (fewer, hence lower and less certain)."""
    return {
        "wetc": embedding_coherence(topics, WordVectors.load(holdout)),
        "tu": topic_uniqueness(topics),
        "npmi": float(npmi(topics, lemmas(holdout / REFERENCE_FILE)).mean()),
        "npmi_holdout": float(npmi(topics, lemmas(holdout / LEMMAS_FILE)).mean()),
    }


def lemmas(path: Path) -> list[list[str]]:
    """Documents as `process` wrote them, each a list of lemmas."""
    documents: list[list[str]] = pq.read_table(path, columns=["lemmas"])["lemmas"].to_pylist()
    return documents
