"""What a run of neural_topic_model can be told: layout, document rules, hyperparameters, gate; read everywhere.

Prepare writes one table, `documents` (document, role, sentiment, text), and `vectors` when word vectors come as a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trainyard.contract.config import Gate, Range, RecipeConfig, ScoreColumn, Tuning, bounded
from trainyard.contract.sources import Column, Source

Layout = Literal["pole", "stars", "score"]


@dataclass(frozen=True, kw_only=True)
class Data:
    """Which file is read, which reviews become documents, and which words a document is made of."""

    layout: Layout = "score"
    """`pole`: pole, title, review. `stars`: star_rating, review_headline, review_body, in a TSV. `score`: Score,
    Summary, Text. A file may have other columns too."""
    file: str = ""
    """Name of the uploaded file without `.gz`; empty for the layout's usual names."""
    sentiment: Literal["negative", "positive", "all"] = "all"
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

DEFAULT_FILES: dict[Layout, tuple[str, ...]] = {
    "pole": ("amzn_review.csv", "reviews.csv"),
    "stars": ("amazon_reviews.tsv", "reviews.tsv"),
    "score": ("Reviews.csv", "reviews.csv"),
}
# Rating, title and text of each layout.
COLUMNS: dict[Layout, tuple[str, str, str]] = {
    "pole": ("pole", "title", "review"),
    "stars": ("star_rating", "review_headline", "review_body"),
    "score": ("Score", "Summary", "Text"),
}
# The ratings that are negative and positive; what lies between belongs to `all` only.
NEGATIVE_RATINGS: dict[Layout, tuple[int, ...]] = {"pole": (1,), "stars": (1, 2), "score": (1, 2)}
POSITIVE_RATINGS: dict[Layout, tuple[int, ...]] = {"pole": (2,), "stars": (4, 5), "score": (4, 5)}

# What bulk scoring writes.
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


def sources(config: Config) -> tuple[Source, ...]:
    """The reviews in the configured layout and, if they come as a file, word vectors in GloVe's text form."""
    data = config.data
    rating, title, text = COLUMNS[data.layout]
    reviews = Source(
        name="reviews",
        files=(data.file,) if data.file else DEFAULT_FILES[data.layout],
        columns=(
            Column(name=rating, type="int64"),
            Column(name=title, type="string", nullable=True),
            Column(name=text, type="string", nullable=True),
        ),
        delimiter="\t" if data.layout == "stars" else ",",
        # Amazon's TSV files quote nothing: a quotation mark in them is part of the review.
        quote="" if data.layout == "stars" else '"',
        other_columns=True,
    )
    if data.word_vectors == "trained":
        return (reviews,)
    numbers = tuple(Column(name=f"v{index}", type="float64") for index in range(data.vector_size))
    vectors = Source(
        name="vectors",
        files=("vectors.txt",),
        columns=(Column(name="word", type="string"), *numbers),
        unique=("word",),
        delimiter=" ",
        quote="",
        header=False,
    )
    return reviews, vectors
