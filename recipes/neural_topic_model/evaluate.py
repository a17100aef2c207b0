"""Evaluates topics and what they say about held-out documents, beside LDA and NMF; training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from recipes.neural_topic_model.bags_of_words import BagsOfWords
from recipes.neural_topic_model.baselines import Lda, nmf_topics
from recipes.neural_topic_model.config import Config
from recipes.neural_topic_model.corpus import HOLDOUT_CORPUS_FILE, REFERENCE_CORPUS_FILE, load_lemmas
from recipes.neural_topic_model.features import Vocabulary
from recipes.neural_topic_model.inference import TopicModel
from recipes.neural_topic_model.metrics import (
    completion_gains,
    embedding_coherence,
    load_unigram,
    npmi,
    topic_uniqueness,
)
from recipes.neural_topic_model.word_vectors import WordVectors
from trainyard.contract.evaluation import Evaluation, Reference


def evaluate(model_dir: Path, holdout: Path, *, config: Config) -> Evaluation:
    """Metrics of a model; `completion_gain` per held-out document is what champion and challenger are compared on.

    WETC, TU and NPMI judge lists of words, one number a model; whether a model also says more about unseen documents
    is a number per document, from which noise can be told.
    """
    model = TopicModel.load(model_dir)
    gains = completion_gains(model, load_lemmas(holdout / HOLDOUT_CORPUS_FILE), unigram=load_unigram(holdout))
    topics = model.top_words(config.data.top_words)
    return Evaluation(
        metrics={"completion_gain": float(gains.mean()), **topic_metrics(topics, holdout)}, examples=gains
    )


def references(channels: Mapping[str, Path], holdout: Path, *, config: Config) -> dict[str, Reference]:
    """LDA and NMF with as many topics, trained on the same bags; NMF gives no probabilities, so no completion gain."""
    bags, vocabulary = BagsOfWords.load(channels["train"]), Vocabulary.load(channels["train"])
    count, topics = config.data.top_words, config.hyperparameters.topics
    lda = Lda.fit(bags, vocabulary, topics=topics, seed=config.seed)
    gains = completion_gains(lda, load_lemmas(holdout / HOLDOUT_CORPUS_FILE), unigram=load_unigram(holdout))
    nmf = nmf_topics(bags, vocabulary, topics=topics, count=count, seed=config.seed)
    return {
        "LDA (gensim)": Reference(
            metrics={"completion_gain": float(gains.mean()), **topic_metrics(lda.top_words(count), holdout)},
            examples=gains,
        ),
        "NMF (scikit-learn)": Reference(metrics=topic_metrics(nmf, holdout)),
    }


def topic_metrics(topics: Sequence[Sequence[str]], holdout: Path) -> dict[str, float]:
    """WETC, TU, NPMI over training documents and over held-out ones (fewer, hence lower and less certain)."""
    return {
        "wetc": embedding_coherence(topics, WordVectors.load(holdout)),
        "tu": topic_uniqueness(topics),
        "npmi": float(npmi(topics, load_lemmas(holdout / REFERENCE_CORPUS_FILE)).mean()),
        "npmi_holdout": float(npmi(topics, load_lemmas(holdout / HOLDOUT_CORPUS_FILE)).mean()),
    }
