"""Evaluates topics and what they say about held-out documents, beside LDA and NMF; training image, no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from recipes.neural_topic_model.baselines import Lda, RefinedNmf, nmf_topics
from recipes.neural_topic_model.config import Config
from recipes.neural_topic_model.documents.bags_of_words import BagsOfWords, evenly_spread, unknown_words
from recipes.neural_topic_model.documents.corpus import HOLDOUT_CORPUS_FILE, REFERENCE_CORPUS_FILE, load_lemmas
from recipes.neural_topic_model.features import Vocabulary
from recipes.neural_topic_model.inference import TopicModel
from recipes.neural_topic_model.metrics import (
    completion_gains,
    embedding_coherence,
    load_unigram,
    npmi,
    topic_uniqueness,
)
from recipes.neural_topic_model.words.word_vectors import WordVectors
from trainyard.contract.evaluation import Evaluation, Reference

MAX_REFERENCE_DOCUMENTS = 5000
MAX_NPMI_DOCUMENTS = 20_000
MAX_ANSWERS = 5_000
PROBABILISTIC: Mapping[str, type[Lda | RefinedNmf]] = {"LDA (gensim)": Lda, "NMF, refined": RefinedNmf}


def evaluate(model_dir: Path, holdout: Path, *, config: Config) -> Evaluation:
    """Metrics of a model; `completion_gain` per held-out document is what champion and challenger are compared on.

    WETC, TU and NPMI judge lists of words, one number a model; whether a model also says more about unseen documents
    is a number per document, from which noise can be told.
    """
    model, documents = TopicModel.load(model_dir), load_lemmas(holdout / HOLDOUT_CORPUS_FILE)
    gains = completion_gains(model, documents, unigram=load_unigram(holdout))
    topics = model.top_words(config.data.top_words)
    some = [documents[row] for row in evenly_spread(len(documents), MAX_ANSWERS).tolist()]
    return Evaluation(
        metrics={"completion_gain": float(gains.mean()), **topic_metrics(topics, holdout)},
        examples=gains,
        answers=answers(model, some),
    )


def answers(model: TopicModel, documents: Sequence[Sequence[str]]) -> dict[str, np.ndarray]:
    """What bulk scoring says of documents: their strongest topics, and which of their words are unknown."""
    bags = model.bags(documents)
    shares, known = model.topic_shares_of(bags), np.diff(bags.offsets) > 0
    best = shares.argmax(axis=1)
    names = np.asarray(model.topic_names(), dtype=object)[best]
    return {
        "topic_name": np.asarray(np.where(known, names, None)),
        "share": np.asarray(np.where(known, shares.max(axis=1, initial=0.0), np.nan)),
        **unknown_words(bags, documents),
    }


def references(channels: Mapping[str, Path], holdout: Path, *, config: Config) -> dict[str, Reference]:
    """LDA, NMF, and NMF refined into probabilities, with as many topics, trained on the same bags.

    NMF as it is gives no probabilities, so no completion gain. The others are asked about `MAX_REFERENCE_DOCUMENTS` of
    the held-out ones at most.
    """
    bags, vocabulary = BagsOfWords.load(channels["train"]), Vocabulary.load(channels["train"])
    count, topics = config.data.top_words, config.hyperparameters.topics
    documents, unigram = load_lemmas(holdout / HOLDOUT_CORPUS_FILE), load_unigram(holdout)
    rows = evenly_spread(len(documents), MAX_REFERENCE_DOCUMENTS)
    some = [documents[row] for row in rows.tolist()]
    found = {}
    for name, method in PROBABILISTIC.items():
        model = method.fit(bags, vocabulary, topics=topics, seed=config.seed)
        gains = completion_gains(model, some, unigram=unigram)
        metrics = {"completion_gain": float(gains.mean()), **topic_metrics(model.top_words(count), holdout)}
        found[name] = Reference(metrics=metrics, examples=gains, rows=None if len(rows) == len(documents) else rows)
    nmf = nmf_topics(bags, vocabulary, topics=topics, count=count, seed=config.seed)
    return {**found, "NMF (scikit-learn)": Reference(metrics=topic_metrics(nmf, holdout))}


def topic_metrics(topics: Sequence[Sequence[str]], holdout: Path) -> dict[str, float]:
    """WETC, TU, NPMI over training documents and over held-out ones (fewer, hence lower and less certain)."""
    return {
        "wetc": embedding_coherence(topics, WordVectors.load(holdout)),
        "tu": topic_uniqueness(topics),
        "npmi": float(npmi(topics, load_lemmas(holdout / REFERENCE_CORPUS_FILE)).mean()),
        "npmi_holdout": float(holdout_npmi(topics, holdout).mean()),
    }


def holdout_npmi(topics: Sequence[Sequence[str]], holdout: Path) -> np.ndarray:
    """NPMI of each topic [topics] over held-out documents, `MAX_NPMI_DOCUMENTS` of them at most."""
    documents = load_lemmas(holdout / HOLDOUT_CORPUS_FILE)
    return npmi(topics, [documents[row] for row in evenly_spread(len(documents), MAX_NPMI_DOCUMENTS).tolist()])
