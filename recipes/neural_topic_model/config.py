"""What a run of neural_topic_model can be told: files, document rules, hyperparameters, gate; read everywhere.

Prepare writes the tables `documents` (document, role, sentiment, date, text) and `language` (one row: the language of
the documents and the share of them that is in it), and `vectors` when word vectors come as a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from trainyard.contract.config import Card, Gate, Range, RecipeConfig, ScoreColumn, Share, TableData, Tuning, bounded
from trainyard.contract.sources import Column, Layout, Source

# A language by its two letters (ISO 639-1), or `auto`.
LANGUAGE = re.compile(r"auto|[a-z]{2}")


@dataclass(frozen=True, kw_only=True)
class Data(TableData):
    """Which reviews become documents, and which words a document is made of."""

    language: str = field(
        default="auto", metadata={"help": "two letters such as de; auto finds the language of most documents"}
    )
    sentiment: Literal["negative", "positive", "all"] = field(
        default="all", metadata={"help": "reviews with a low rating, with a high one, or all with or without a rating"}
    )
    min_words: int = bounded(50, minimum=1, maximum=10_000, help="words a review needs, its title included")
    min_documents: int = bounded(
        200, minimum=50, maximum=1_000_000_000, help="documents that data must hold to be worth a run"
    )
    max_df: float = bounded(0.9, minimum=0.01, maximum=1.0, help="words in more of the training documents are left out")
    min_df: float = bounded(
        0.01, minimum=0.0, maximum=0.5, help="words in fewer of the training documents are left out"
    )
    min_letters: int = bounded(3, minimum=1, maximum=20, help="letters that a word needs")
    max_vocabulary: int = bounded(
        5000, minimum=50, maximum=20_000, help="words at most, those in most documents; memory grows with its square"
    )
    holdout_fraction: float = bounded(0.1, minimum=0.01, maximum=0.4, help="documents kept for evaluation only")
    validation_fraction: float = bounded(0.1, minimum=0.01, maximum=0.4, help="documents kept for choosing settings")
    word_vectors: Literal["trained", "file"] = "trained"
    vector_size: int = bounded(100, minimum=2, maximum=1000, help="numbers per word vector, of a file too")
    top_words: int = bounded(10, minimum=2, maximum=50, help="words of a topic that are shown and measured")
    demonstration_reviews: int = bounded(5, minimum=0, maximum=100, help="held-out reviews the report shows in full")

    def document_frequencies(self, documents: float) -> tuple[float, float]:
        """In how many of so many training documents a word must be, and may be."""
        return max(2.0, self.min_df * documents), self.max_df * documents

    def __post_init__(self) -> None:
        if self.min_df >= self.max_df:
            raise ValueError(f"expected min_df below max_df, found {self.min_df} and {self.max_df}")
        if not LANGUAGE.fullmatch(self.language):
            raise ValueError(f"expected a language of two letters such as en, or auto, found {self.language!r:.20}")


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """How the model is trained; the names are those of the training job's hyperparameters."""

    topics: int = bounded(20, minimum=2, maximum=200, help="topics")
    epochs: int = bounded(60, minimum=1, maximum=1000, help="passes over the training documents, at most")
    steps_per_epoch: int = bounded(20, minimum=1, maximum=10_000, help="updates per pass; sets the size of a batch")
    learning_rate: float = bounded(0.005, minimum=1e-5, maximum=1.0, help="of Adam, after which it falls to zero")
    hidden_units: int = bounded(200, minimum=4, maximum=4096, help="in each of the encoder's two layers")
    dropout: float = bounded(0.2, minimum=0.0, maximum=0.9, help="of the encoder's output")
    coherence_weight: float = bounded(
        50.0, minimum=0.0, maximum=10_000.0, help="weight of the coherence of topics in the loss"
    )
    patience: int = bounded(10, minimum=1, maximum=1000, help="epochs without a better validation loss before the end")


@dataclass(frozen=True, kw_only=True)
class Config(RecipeConfig):
    """The configuration of neural_topic_model."""

    data: Data
    hyperparameters: Hyperparameters


CONFIG = Config(
    title="Topics of reviews",
    card=Card(
        purpose="Finds what a collection of texts is about: topics as lists of words, and each text's shares of them.",
        limits=(
            "Topics are words that occur together and need a person to name them. They say nothing of whether a "
            "text is right, nor what its writer feels. Texts of a few words, and of other languages than those of"
            " training, get shares that mean little."
        ),
    ),
    data=Data(),
    hyperparameters=Hyperparameters(),
    tuning=Tuning(
        objective="validation_topic_quality",
        direction="Maximize",
        metrics=("validation_loss", "validation_npmi", "topic_uniqueness"),
        ranges={
            "topics": Range(type="integer", minimum=10, maximum=20),
            "learning_rate": Range(type="continuous", minimum=0.001, maximum=0.02, scaling="Logarithmic"),
            "coherence_weight": Range(type="continuous", minimum=5, maximum=500, scaling="Logarithmic"),
        },
    ),
    # A model whose topics are all the same has a WETC above 0.3 too: TU is what refuses it.
    gate=Gate(primary="completion_gain", minimum={"wetc": 0.30, "tu": 0.65}),
)

# What bulk scoring writes.
SHARES = (Share(name="unknown_words", of="words"),)

SCORES = (
    ScoreColumn(name="place", type="bigint", comment="place in the file, from 0", spread=False),
    ScoreColumn(name="title", type="string", comment="headline of the review", spread=False),
    ScoreColumn(name="topic", type="int", comment="the strongest topic", spread=False),
    ScoreColumn(name="topic_name", type="string", comment="its first words"),
    ScoreColumn(name="share", type="double", comment="its share of the review", ranked=True),
    ScoreColumn(name="topics", type="array<struct<topic:int,name:string,share:double>>", comment="the strongest three"),
    ScoreColumn(name="shares", type="array<double>", comment="share of every topic, in their order"),
    ScoreColumn(name="known_words", type="int", comment="words that the model knows; with none there are no topics"),
)


REVIEWS = Source(
    name="reviews",
    files=(
        *("reviews", "review", "amzn_review", "amazon_reviews", "amazon_reviews_us", "yelp_academic_dataset_review"),
        *(
            "imdb dataset",
            "documents",
            "texts",
            "articles",
            "abstracts",
            "comments",
            "feedback",
            "corpus",
            "news",
            "posts",
        ),
        *("train", "test", "data", "dataset", "amazon_review_polarity", "reviews_train", "reviews_test"),
    ),
    columns=(
        Column(
            name="text",
            type="string",
            nullable=True,
            synonyms=(
                *("review", "review_body", "reviewText", "review_text", "reviewContent", "review_content", "body"),
                *("content", "comment", "comments", "description", "document", "message", "abstract", "article"),
                *("post", "article_body", "full_text", "feedback", "opinion", "tweet", "sentence", "verbatim"),
                *("texto", "texte", "testo", "tekst", "Bewertungstext", "kommentar", "rezension", "comentario"),
                *("commentaire", "commento", "opinión", "reseña", "avis", "recensione", "beschreibung"),
                *("κριτική", "κείμενο", "σχόλιο", "σχόλια"),
            ),
        ),
        Column(
            name="title",
            type="string",
            nullable=True,
            required=False,
            synonyms=(
                *(
                    "summary",
                    "review_headline",
                    "review_title",
                    "reviewTitle",
                    "headline",
                    "subject",
                    "heading",
                    "titel",
                    "überschrift",
                    "título",
                    "titre",
                    "titolo",
                    "τίτλος",
                ),
            ),
        ),
        # Text: a rating may be a number or a word.
        Column(
            name="rating",
            type="string",
            nullable=True,
            required=False,
            synonyms=(
                *(
                    "score",
                    "star_rating",
                    "overall",
                    "stars",
                    "pole",
                    "sentiment",
                    "polarity",
                    "review_rating",
                    "label",
                ),
                *(
                    "reviewRating",
                    "rate",
                    "grade",
                    "recommended",
                    "sterne",
                    "étoiles",
                    "estrellas",
                    "puntuación",
                    "calificación",
                    "valoración",
                    "βαθμολογία",
                    "voto",
                ),
            ),
        ),
        # For the topics' shares over time only: a date that cannot be read costs no review.
        Column(
            name="date",
            type="timestamp",
            nullable=True,
            required=False,
            lenient=True,
            synonyms=(
                *("time", "timestamp", "datetime", "review date", "unixReviewTime", "reviewTime", "review time"),
                *("created", "created at", "created utc", "date created", "creation date", "submitted at"),
                *("submission date", "date posted", "posted", "posted at", "post date", "published", "published at"),
                *("published date", "publish date", "publication date", "pub date", "date published", "comment date"),
                *("feedback date", "date added", "at", "ts", "datum", "fecha", "zeitpunkt", "date de publication"),
                *("erstellt am", "fecha de publicación", "ημερομηνία"),
            ),
        ),
    ),
    layouts=(
        Layout(columns=("rating", "title", "text"), files=("train", "test", "amazon_review_polarity")),
        Layout(columns=("text",)),
    ),
)


def sources(config: Config) -> tuple[Source, ...]:
    """The reviews and, if they come as a file, word vectors in GloVe's text form."""
    data = config.data
    if data.word_vectors == "trained":
        return (REVIEWS,)
    names = tuple(f"v{index}" for index in range(data.vector_size))
    vectors = Source(
        name="vectors",
        files=("vectors", "vectors.txt", "glove"),
        columns=(Column(name="word", type="string"), *(Column(name=each, type="float64") for each in names)),
        layouts=(Layout(columns=("word", *names), files=("vectors", "glove")),),
        unique=("word",),
        repeats="first",
    )
    return REVIEWS, vectors
