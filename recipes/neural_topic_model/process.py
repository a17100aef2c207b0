"""Turns prepared documents into bags of words, word vectors and held-out lemmas; runs in the processing image."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from recipes.neural_topic_model.config import Config
from recipes.neural_topic_model.documents.bags_of_words import BagsOfWords, BagsWriter, evenly_spread
from recipes.neural_topic_model.documents.corpus import (
    HOLDOUT_CORPUS_FILE,
    REFERENCE_CORPUS_FILE,
    Corpus,
    documents_of_roles,
    language_of,
    save_lemmas,
    texts,
)
from recipes.neural_topic_model.documents.numbered_corpus import NumberedCorpus
from recipes.neural_topic_model.features import Lemmatizer, Vocabulary
from recipes.neural_topic_model.metrics import save_unigram
from recipes.neural_topic_model.words.language import stop_words
from recipes.neural_topic_model.words.phrases import phrases
from recipes.neural_topic_model.words.word_vectors import WordVectors, train_skip_gram
from trainyard.errors import JobFailed

# Coherence counts co-occurrences of words in a bounded number of documents: more would change the third digit only.
REFERENCE_DOCUMENTS = 20_000
# Phrases that only more documents would show are too rare to name a topic.
PHRASE_DOCUMENTS = 20_000
# Their means are known to the third digit, whatever the number of the others.
JUDGED_DOCUMENTS = 20_000
# Words in the vocabulary for each place in the lists of topics, at least: with fewer, topics share words whatever the
# method. Rarer words make up for it, as long as they are in so many training documents.
WORDS_PER_PLACE, MIN_DOCUMENTS = 2, 5


def process(inputs: Path, outputs: Path, *, config: Config) -> dict[str, float]:
    """Write examples and vocabulary; returns their figures.

    * `features/vocabulary.json`: see `features.Vocabulary`.
    * `train/bag_*.npy`, `validation/bag_*.npy`: see `bags_of_words.BagsOfWords`; `train/vocabulary.json` again, for
      the baselines.
    * `holdout/lemmas.parquet` (document, lemmas): held-out documents in natural words, so that a model with another
      vocabulary can be evaluated on them. Beside them what metrics are measured with, the same for every model:
      `reference.parquet` (training documents as lemmas), `vectors.npz` and `unigram.npz` (words and their shares).

    Of validation and held-out documents these are `JUDGED_DOCUMENTS` of each at most.
    """
    for name in ("train", "validation", "holdout", "features"):
        (outputs / name).mkdir(parents=True, exist_ok=True)
    lemmatizer = _lemmatizer(inputs, config)
    judged = {
        role: Corpus.lemmatize(inputs, role, lemmatizer=lemmatizer, limit=JUDGED_DOCUMENTS)
        for role in ("validation", "holdout")
    }
    save_lemmas(judged["holdout"].documents, outputs / "holdout" / HOLDOUT_CORPUS_FILE, keys=judged["holdout"].keys)
    with tempfile.TemporaryDirectory(prefix="lemmas-") as scratch:
        train = _training_corpus(inputs, lemmatizer, scratch=Path(scratch))
        words = choose_words(train, config)
        found = phrases(texts(inputs, "train", limit=PHRASE_DOCUMENTS), words, lemmatizer=lemmatizer)
        vocabulary = Vocabulary(words=words, lemmatizer=lemmatizer, phrases=found)
        _write_training_bags(train, vocabulary, folder=outputs / "train")
        _write_reference(train, inputs, holdout=outputs / "holdout", config=config)
        lemmas = float(train.offsets[-1])
    for name in ("features", "train"):
        vocabulary.save(outputs / name)
    vocabulary.bags(judged["validation"].documents).save(outputs / "validation")
    share = BagsOfWords.load(outputs / "train").word_frequency
    save_unigram(outputs / "holdout", vocabulary.words, share=share / share.sum())
    figures = {f"{role}_documents": float(count) for role, count in documents_of_roles(inputs).items()}
    return figures | {"words": float(len(vocabulary)), "train_lemmas": lemmas}


def _training_corpus(inputs: Path, lemmatizer: Lemmatizer, *, scratch: Path) -> NumberedCorpus:
    found = NumberedCorpus.lemmatize(texts(inputs, "train"), lemmatizer=lemmatizer, scratch=scratch)
    if not len(found):
        raise JobFailed("Expected train documents, found none; upload more reviews.")
    return found


def _write_training_bags(train: NumberedCorpus, vocabulary: Vocabulary, *, folder: Path) -> None:
    with BagsWriter(folder, len(vocabulary)) as writer:
        for bags in train.bags(vocabulary):
            writer.add(bags)


def _write_reference(train: NumberedCorpus, inputs: Path, *, holdout: Path, config: Config) -> None:
    """Training documents evenly spread over all, and the word vectors made of them."""
    documents = train.documents(evenly_spread(len(train), REFERENCE_DOCUMENTS))
    save_lemmas(documents, holdout / REFERENCE_CORPUS_FILE)
    _word_vectors(inputs, documents, config=config).save(holdout)


def _lemmatizer(inputs: Path, config: Config) -> Lemmatizer:
    """For the language that prepare found, or was told."""
    code = language_of(inputs)
    return Lemmatizer(stop_words=stop_words(code), min_letters=config.data.min_letters, language=code)


def choose_words(train: NumberedCorpus, config: Config) -> tuple[str, ...]:
    """The lemmas in neither too many nor too few of the training documents, in alphabetical order.

    In texts of a dozen words hardly any are in one of a hundred: rarer ones make up `WORDS_PER_PLACE`. The check of the
    data saw to it that there are enough words as they are written. Where so many of them share a lemma that too few are
    left, the most widespread of the others make up for it. Raises JobFailed for fewer than two.
    """
    data, topics = config.data, config.hyperparameters.topics
    low, high = data.document_frequencies(len(train))
    enough, fewest = WORDS_PER_PLACE * topics * data.top_words, max(topics, data.top_words)
    ranked = sorted((-count, word) for word, count in train.document_frequency().items())
    kept = [(count, word) for count, word in ranked if low <= -count <= high]
    rarer = [(count, word) for count, word in ranked if MIN_DOCUMENTS <= -count < low]
    kept += rarer[: max(0, enough - len(kept))]
    others = [each for each in ranked if each not in set(kept)] if len(kept) < fewest else []
    kept = [*kept, *others[: max(0, fewest - len(kept))]][: data.max_vocabulary]
    if len(kept) < 2:
        raise JobFailed(
            f"Expected at least two different words in {len(train):,} training documents, found {len(kept)} after "
            "stop words were left out; upload reviews with more words of their own."
        )
    return tuple(sorted(word for _, word in kept))


def _word_vectors(inputs: Path, documents: Sequence[Sequence[str]], *, config: Config) -> WordVectors:
    if config.data.word_vectors == "trained":
        return train_skip_gram(documents, size=config.data.vector_size, seed=config.seed)
    table = pq.read_table(inputs / "vectors")
    numbers = [table[f"v{index}"].to_numpy() for index in range(config.data.vector_size)]
    return WordVectors(words=tuple(table["word"].to_pylist()), vectors=np.stack(numbers, axis=1).astype(np.float32))
