"""The settings of a run of headline_classifier: text, word vectors, network, search, gate; read everywhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from recipes.headline_classifier.tables import CLASS_NAMES, CORPUS, HEADLINES, WORD_PAIRS
from recipes.headline_classifier.texts.source_words import COLUMNS
from trainyard.contract.config import Card, Gate, Range, RecipeConfig, ScoreColumn, Share, TableData, Tuning, bounded
from trainyard.contract.sources import Source
from trainyard.contract.truth import Truth


@dataclass(frozen=True, kw_only=True)
class Data(TableData):
    """Which headlines are used and held out, and how they are taken apart."""

    holdout_fraction: float = bounded(0.2, minimum=0.01, maximum=0.5, help="stories kept for evaluation only")
    validation_fraction: float = bounded(0.1, minimum=0.01, maximum=0.4, help="stories kept for choosing settings")
    min_headlines: int = bounded(100, minimum=1, maximum=1_000_000_000, help="headlines that data must hold")
    min_per_class: int = bounded(5, minimum=1, maximum=1_000_000, help="headlines of a class, else it is left out")
    max_words: int = bounded(40, minimum=5, maximum=200, help="words of a headline that the network reads")
    min_word_count: int = bounded(2, minimum=1, maximum=1000, help="times a word must occur to get a vector")
    min_character_ngram_df: int = bounded(
        2, minimum=1, maximum=1000, help="headlines that a character n-gram must occur in"
    )
    max_ngrams: int = bounded(1_000_000, minimum=100, maximum=20_000_000, help="n-grams of a kind, the most frequent")
    read_url: bool = field(
        default=False, metadata={"help": "learn from words of the column URL too; requests may have it"}
    )
    read_publisher: bool = field(default=False, metadata={"help": "learn from the column PUBLISHER too"})
    naive_bayes_smoothing: float = bounded(
        0.3, minimum=0.01, maximum=100.0, help="added to counts in the odds of naive Bayes"
    )

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Which of `source_words.COLUMNS` are read."""
        read = {"url": self.read_url, "publisher": self.read_publisher}
        return tuple(name for name in COLUMNS if read[name])


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """How word vectors and classifier are trained; the names are those of the training job's hyperparameters."""

    architecture: Literal["wide_and_deep", "convolution"] = "wide_and_deep"
    epochs: int = bounded(8, minimum=1, maximum=1000, help="passes over the training headlines")
    batch_size: int | None = bounded(
        None, minimum=8, maximum=8192, help="headlines of a training step; null: 64, and more where there are many"
    )
    learning_rate: float = bounded(1e-3, minimum=1e-6, maximum=1.0, help="of Adam at the start; it falls to 0")
    dropout: float = bounded(0.3, minimum=0.0, maximum=0.9, help="share of numbers dropped between layers")
    wide_l2: float | None = bounded(
        None, minimum=0.0, maximum=1.0, help="penalty of the squared weights of n-grams; null: falls with the headlines"
    )
    deep_weight: float = bounded(0.5, minimum=0.0, maximum=10.0, help="weight of the deep logits beside the wide ones")
    class_weight_exponent: float = bounded(
        0.5, minimum=0.0, maximum=1.0, help="0 weighs headlines alike, 1 gives every class the same weight in all"
    )
    vector_size: int = bounded(100, minimum=2, maximum=1000, help="numbers per word vector")
    vector_epochs: int = bounded(5, minimum=1, maximum=1000, help="passes of the word vectors over their text")
    vector_window: int = bounded(5, minimum=1, maximum=50, help="words on either side that are context of a word")
    vector_negatives: int = bounded(5, minimum=1, maximum=100, help="words drawn per pair that are no context")
    vector_sampling_threshold: float = bounded(
        1e-4, minimum=0.0, maximum=1.0, help="share above which a word is thinned out"
    )
    vector_learning_rate: float = bounded(0.05, minimum=1e-5, maximum=1.0, help="of the word vectors at the start")


@dataclass(frozen=True, kw_only=True)
class Config(RecipeConfig):
    """The configuration of headline_classifier."""

    data: Data
    hyperparameters: Hyperparameters


CONFIG = Config(
    title="Classes of headlines and other short texts",
    card=Card(
        purpose="Says which of its classes a short text belongs to, and how likely.",
        limits=(
            "Knows no other classes than those of its data: a text of none of them gets one all the same. Irony, "
            "and words that training never saw, mislead it."
        ),
    ),
    data=Data(),
    hyperparameters=Hyperparameters(),
    tuning=Tuning(
        objective="validation_macro_f1",
        direction="Maximize",
        ranges={
            "learning_rate": Range(type="continuous", minimum=2e-4, maximum=5e-3, scaling="Logarithmic"),
            "wide_l2": Range(type="continuous", minimum=1e-7, maximum=1e-4, scaling="Logarithmic"),
            "deep_weight": Range(type="continuous", minimum=0.0, maximum=1.5),
            "dropout": Range(type="continuous", minimum=0.0, maximum=0.6),
        },
        metrics=("validation_accuracy", "validation_loss"),
    ),
    gate=Gate(
        primary="macro_f1",
        minimum={"macro_f1": 0.6, "accuracy": 0.7},
        maximum={"expected_calibration_error": 0.1},
        # Of 20,000 held-out headlines a handful more or less is beyond noise, and no reason to refuse a model.
        margin=0.002,
    ),
)

# What bulk scoring writes.
SHARES = (Share(name="unknown_words", of="words"),)

SCORES = (
    ScoreColumn(name="headline_id", type="string", comment="ID of the file, or the row, from 1", spread=False),
    ScoreColumn(name="title", type="string", comment="the headline", spread=False),
    ScoreColumn(name="category", type="string", comment="the most probable class", spread=False),
    ScoreColumn(name="category_name", type="string", comment="that class in words, where it has a name"),
    ScoreColumn(name="probability", type="double", comment="of that class", ranked=True),
    ScoreColumn(
        name="probabilities",
        type="array<struct<category:string,probability:double>>",
        comment="of every class",
        spread=False,
    ),
)
TRUTH = Truth(
    key="headline_id", predicted=("category",), label="string", ids=("headline_id",), labels=("category", "class")
)


def wide_l2(headlines: int) -> float:
    """The penalty of the wide part's squared weights for so many training headlines: the fewer, the stronger.

    Chosen on validation headlines of samples of 500 to 8,000 real ones.
    """
    return float(min(max(2e-6 * (8_000 / max(headlines, 1)) ** 1.5, 2e-6), 6e-5))


def batch_size(headlines: int) -> int:
    """Headlines of a training step for so many training headlines: 64, and from 30,000 on a share of them.

    A step of Adam moves all weights, of which there are more the more headlines there are: with steps of one size the
    time of an epoch would grow with the square of the headlines.
    """
    return int(min(64 * max(round(headlines / 20_000), 1), 2048))


def sources(config: Config) -> tuple[Source, ...]:
    """Headlines; where they are there, text for word vectors, WordSim-353 to judge them, and names of classes."""
    return HEADLINES, CORPUS, WORD_PAIRS, CLASS_NAMES
