"""Post-processes a topic model: topics of every review, pictures and the sections of the report; runs in processing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recipes.neural_topic_model.baselines import Lda, nmf_topics
from recipes.neural_topic_model.config import Config
from recipes.neural_topic_model.documents.bags_of_words import BagsOfWords, evenly_spread
from recipes.neural_topic_model.documents.corpus import (
    HOLDOUT_CORPUS_FILE,
    REFERENCE_CORPUS_FILE,
    files_of,
    load_lemmas,
    texts,
)
from recipes.neural_topic_model.early_stopping import kept_epoch
from recipes.neural_topic_model.features import Vocabulary
from recipes.neural_topic_model.inference import TopicModel
from recipes.neural_topic_model.metrics import embedding_coherence, npmi
from recipes.neural_topic_model.plots import CLOUD_WORDS, MAX_CLOUDS, review_map, training_curves, word_clouds
from recipes.neural_topic_model.topics.over_time_section import over_time_section
from recipes.neural_topic_model.words.word_vectors import WordVectors
from trainyard.contract.holdout import HOLDOUT, ROLES
from trainyard.contract.report import Figure, ReportInputs, Section, Table, write_highlights
from trainyard.contract.spilling import database
from trainyard.contract.training import curves

TOPICS_FILE = "topics.parquet"
DOCUMENTS_FILE = "document_topics.parquet"
MAP_FILE, TOPIC_CLOUDS_FILE, DEMO_CLOUDS_FILE = "map.png", "topic_clouds.png", "demonstration_clouds.png"
# Those with the smallest hashes: fewer of a role than process keeps of validation and held-out documents.
LISTED_DOCUMENTS = 20_000
MAP_DOCUMENTS = 800
# Of so many documents NPMI is known to the second digit: the figures of evaluation are of more.
COHERENCE_DOCUMENTS = 5000
# LDA and NMF are here to be read, not measured: their topics of a part look as those of all do.
COMPARED_DOCUMENTS, COMPARED_VISITS = 1500, 4500
HIGHLIGHTED_TOPICS = 3
SHOWN_LETTERS = 600


def report(inputs: ReportInputs, outputs: Path, *, config: Config) -> list[Section]:
    """Write the files below to `outputs`, and return the sections of the report.

    * `document_topics.parquet`: document, role, sentiment, date, topic (the strongest), name, t0, t1, ... (shares); of
      `LISTED_DOCUMENTS` at most, for bulk scoring gives those of all.
    * `topics.parquet`: topic, rank, word, weight.
    * `topics_over_time.parquet` (period, reviews, topic, name, share, low, high) and `.png`, where reviews have dates.
    * `highlights.json`: words of the most frequent topics: `title`, `columns`, `rows` to print.
    * `topic_clouds.png`, `demonstration_clouds.png`, `map.png`.
    """
    model = TopicModel.load(inputs.model)
    names = model.topic_names()
    dates, shares = _write_documents(model, names, inputs=inputs, path=outputs / DOCUMENTS_FILE)
    _write_topics(model, config.data.top_words, path=outputs / TOPICS_FILE)
    share = np.bincount(shares.argmax(axis=1), minlength=len(names)) / max(len(shares), 1)
    write_highlights(_highlights(model, share, count=config.data.top_words), outputs)
    return [
        _topics_section(model, share, inputs=inputs, outputs=outputs, config=config),
        *over_time_section(dates, shares, names=names, outputs=outputs),
        _comparison_section(model, inputs.process / "train", config=config),
        _map_section(model, names, train=inputs.process / "train", outputs=outputs, seed=config.seed),
        *_demonstration_section(model, names, prepare=inputs.prepare, outputs=outputs, config=config),
        _training_section(inputs.model, epochs=config.hyperparameters.epochs),
    ]


def _write_documents(
    model: TopicModel, names: Sequence[str], *, inputs: ReportInputs, path: Path
) -> tuple[np.ndarray, np.ndarray]:
    """Topics of `LISTED_DOCUMENTS` at most, which are in bags of words already; returns their dates and shares."""
    listed = _listed_documents(inputs.prepare)
    roles = np.asarray(listed["role"].to_pylist())
    shares = np.zeros((len(roles), model.topics), dtype=np.float32)
    for role in ROLES:
        rows = np.flatnonzero(roles == role)
        # Examples of a role are in the same order, so that the first are those that are listed.
        shares[rows] = model.topic_shares_of(_bags(model, inputs.process / role, count=len(rows)))
    strongest = shares.argmax(axis=1)
    columns = {"topic": pa.array(strongest), "name": pa.array([names[topic] for topic in strongest], pa.string())}
    columns |= {f"t{topic}": pa.array(each) for topic, each in enumerate(shares.T)}
    for name, column in columns.items():
        listed = listed.append_column(name, column)
    pq.write_table(listed, path)
    return listed["date"].to_numpy().astype("datetime64[D]"), shares


def _listed_documents(prepare: Path) -> pa.Table:
    """Key, role, sentiment and date of the documents with the smallest keys: hashes, so it is a fair sample."""
    columns, order = "document, role, sentiment, date", f"ORDER BY document LIMIT {LISTED_DOCUMENTS}"
    with database() as opened:
        return opened.sql(f"SELECT {columns} FROM {files_of(prepare)} {order}").to_arrow_table()  # noqa: S608


def _bags(model: TopicModel, examples: Path, *, count: int) -> BagsOfWords:
    """The first `count` examples of a role: as bags, or as lemmas where they are held out."""
    if examples.name == HOLDOUT:
        return model.bags(load_lemmas(examples / HOLDOUT_CORPUS_FILE, count=count))
    return BagsOfWords.load(examples).head(count)


def _write_topics(model: TopicModel, count: int, *, path: Path) -> None:
    words, weights = model.top_words(count), model.top_weights(count)
    listed = len(words[0])  # fewer than `count` where the vocabulary is smaller
    table = {
        "topic": np.repeat(np.arange(len(words)), listed),
        "rank": np.tile(np.arange(1, listed + 1), len(words)),
        "word": [word for topic in words for word in topic],
        "weight": [weight for topic in weights for weight in topic],
    }
    pq.write_table(pa.table(table), path)


def _highlights(model: TopicModel, share: np.ndarray, *, count: int) -> Table:
    """One column per topic, the most frequent ones."""
    shown = np.argsort(-share, kind="stable")[:HIGHLIGHTED_TOPICS].tolist()
    words = model.top_words(count)
    return Table(
        caption="Words of the most frequent topics",
        columns=tuple(f"topic {topic} ({share[topic]:.0%} of the reviews)" for topic in shown),
        rows=[[words[topic][rank] for topic in shown] for rank in range(len(words[0]))],
    )


def _topics_section(
    model: TopicModel, share: np.ndarray, *, inputs: ReportInputs, outputs: Path, config: Config
) -> Section:
    words = model.top_words(config.data.top_words)
    holdout = inputs.process / "holdout"
    seen, unseen = (npmi(words, _some(holdout / name)) for name in (REFERENCE_CORPUS_FILE, HOLDOUT_CORPUS_FILE))
    vectors = WordVectors.load(holdout)
    cosines = np.asarray([embedding_coherence([each], vectors) for each in words])
    rows: list[tuple[str | float, ...]] = [
        (topic, f"{share[topic]:.1%}", *values, ", ".join(words[topic]))
        for topic, values in enumerate(np.stack([seen, unseen, cosines], axis=1).round(3).tolist())
    ]
    clouds = list(zip(model.top_words(CLOUD_WORDS), model.top_weights(CLOUD_WORDS), model.topic_names(), strict=True))
    frequent = np.argsort(-share, kind="stable")[:MAX_CLOUDS].tolist()
    picture = word_clouds(
        [dict(zip(*clouds[topic][:2], strict=True)) for topic in frequent],
        [f"{topic}: {clouds[topic][2]}" for topic in frequent],
        seed=config.seed,
    )
    (outputs / TOPIC_CLOUDS_FILE).write_bytes(picture)
    return Section(
        title="Topics",
        text=(
            "The words that stand for each topic, and the share of reviews of which it is the strongest topic. "
            f"{_source(model)} NPMI is over training reviews and over held-out ones, which are often few: "
            f"{COHERENCE_DOCUMENTS:,} of each at most."
        ),
        tables=(Table(columns=("topic", "reviews", "NPMI", "NPMI held out", "WETC", "words"), rows=rows),),
        figures=(
            Figure(
                png=picture,
                alt="Word clouds of the most frequent topics",
                caption="Size is a word's weight in its topic.",
            ),
        ),
    )


def _some(path: Path) -> list[list[str]]:
    """At most `COHERENCE_DOCUMENTS` of the documents of a file, evenly spread."""
    documents = load_lemmas(path)
    return [documents[row] for row in evenly_spread(len(documents), COHERENCE_DOCUMENTS).tolist()]


def _source(model: TopicModel) -> str:
    """Which model is served: the one that said most about words of validation reviews that it was not shown."""
    if not model.mixture:
        return "They are those of the neural network."
    if model.network_weight:
        return "They are those that the network started from; a review's shares are means of its and of theirs."
    return "They are those that the network started from: it said less about validation reviews."


def _comparison_section(model: TopicModel, train: Path, *, config: Config) -> Section:
    """The same bags by all three methods; a topic of one has no counterpart in another, so each lists its own."""
    bags, vocabulary = BagsOfWords.load(train).head(COMPARED_DOCUMENTS), Vocabulary.load(train)
    topics, count = model.topics, config.data.top_words
    lda = Lda.fit(bags, vocabulary, topics=topics, seed=config.seed, visits=COMPARED_VISITS).top_words(count)
    nmf = nmf_topics(bags, vocabulary, topics=topics, count=count, seed=config.seed)
    lines = zip(model.top_words(count), lda, nmf, strict=True)
    rows: list[tuple[str | int, ...]] = [(row, *(" ".join(words) for words in each)) for row, each in enumerate(lines)]
    table = Table(columns=("", "this model", "LDA (gensim)", "NMF (scikit-learn)"), rows=rows)
    text = (
        f"Topics of all three methods on the same words, LDA's and NMF's from {len(bags):,} of the training reviews. "
        "Topics in one row have nothing to do with one another. Their scores are on the page of the run."
    )
    return Section(title="Beside LDA and NMF", text=text, tables=(table,))


def _map_section(model: TopicModel, names: Sequence[str], *, train: Path, outputs: Path, seed: int) -> Section:
    shares = model.topic_shares(BagsOfWords.load(train).dense_sample(MAP_DOCUMENTS))
    picture = review_map(shares, names, seed=seed)
    (outputs / MAP_FILE).write_bytes(picture)
    figure = Figure(png=picture, alt="t-SNE map of training reviews coloured by their strongest topic")
    text = f"{len(shares):,} training reviews by t-SNE of their topics; colour is the strongest topic."
    return Section(title="Map of reviews", text=text, figures=(figure,))


def _demonstration_section(
    model: TopicModel, names: Sequence[str], *, prepare: Path, outputs: Path, config: Config
) -> tuple[Section, ...]:
    if not config.data.demonstration_reviews:
        return ()
    shown = [text for _, text in texts(prepare, HOLDOUT, limit=config.data.demonstration_reviews)]
    documents = [model.vocabulary.lemmatizer.lemmas(text) for text in shown]
    shares = model.topic_shares_of(model.bags(documents))
    rows: list[tuple[str, str]] = []
    for text, share in zip(shown, shares, strict=True):
        best = np.argsort(-share, kind="stable")[:2]
        found = "; ".join(f"{names[topic]} ({share[topic]:.0%})" for topic in best)
        rows.append((text if len(text) <= SHOWN_LETTERS else text[: SHOWN_LETTERS - 3] + "...", found))
    known = [[word for word in document if word in model.vocabulary.index] for document in documents]
    counts = [{word: float(words.count(word)) for word in words} for words in known]
    picture = word_clouds(counts, [f"review {number}" for number in range(1, len(shown) + 1)], seed=config.seed)
    (outputs / DEMO_CLOUDS_FILE).write_bytes(picture)
    return (
        Section(
            title="Demonstration",
            text="Held-out reviews that the model has never seen, and the topics it finds in them.",
            tables=(Table(columns=("review", "strongest topics"), rows=rows),),
            figures=(Figure(png=picture, alt="Word clouds of the held-out reviews above"),),
        ),
    )


def _training_section(model_dir: Path, *, epochs: int) -> Section:
    metrics = curves.read(model_dir)
    kept = kept_epoch(metrics, epochs=epochs) + 1
    alt = f"Training and validation loss and topic quality over {len(metrics['loss'])} epochs; {kept} is kept."
    text = (
        "Training counts what keeps topics apart and together as well, so that its loss may lie above that of "
        "validation. Of the second half the epoch with the lowest validation loss is kept."
    )
    figure = Figure(png=training_curves(metrics, kept=kept), alt=alt)
    return Section(title="Training", text=text, figures=(figure,))
