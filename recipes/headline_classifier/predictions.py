"""What a model says of held-out headlines, for evaluation, the report and the table beside it; no TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from recipes.headline_classifier.classes import in_order
from recipes.headline_classifier.inference import Classifier
from recipes.headline_classifier.texts.source_words import COLUMNS, with_source
from trainyard.contract.lean.arrow import pa, read_table

HEADLINES_FILE = "headlines.parquet"


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Held-out headlines and the model's probabilities [n, classes]; `classes` and `names` are those of the model."""

    headlines: pa.Table
    classes: tuple[str, ...]
    names: tuple[str, ...]
    probabilities: np.ndarray
    unknown_words: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, model_dir: Path, folder: Path) -> Predictions:
        """What the model says of `headlines.parquet`, in its order."""
        table = read_table(folder / HEADLINES_FILE)
        classifier, read = Classifier.load(model_dir), texts(table)
        sequences = classifier.encoder.sequences(read)
        return cls(
            headlines=table,
            classes=classifier.encoder.classes,
            names=classifier.encoder.names,
            probabilities=classifier.network.probabilities(sequences, classifier.encoder.ngrams(read)),
            unknown_words=classifier.encoder.unknown_words(sequences),
        )

    @property
    def truth(self) -> list[str]:
        """The class of each headline."""
        return list(self.headlines["category"].to_pylist())

    @property
    def predicted(self) -> list[str]:
        """The class that the model gives each headline."""
        return [self.classes[number] for number in self.probabilities.argmax(axis=1).tolist()]

    @property
    def answers(self) -> dict[str, np.ndarray]:
        """What scores of later headlines are set beside."""
        named = np.asarray(self.names, dtype=object)[self.probabilities.argmax(axis=1)]
        return {"category_name": named, "probability": self.top, **self.unknown_words}

    @property
    def top(self) -> np.ndarray:
        """Probability of the predicted class [n]."""
        return np.asarray(self.probabilities.max(axis=1))

    @property
    def of_truth(self) -> np.ndarray:
        """Probability of the true class [n]: 0 where the model does not know it."""
        known = numbered(self.truth, self.classes)
        padded = np.concatenate((self.probabilities, np.zeros((len(known), 1))), axis=1)
        return np.asarray(padded[np.arange(len(known)), known])

    @property
    def right(self) -> np.ndarray:
        """Where the predicted class is the true one [n]."""
        return np.asarray([one == other for one, other in zip(self.truth, self.predicted, strict=True)], dtype=bool)

    def numbered_pairs(self) -> np.ndarray:
        """(true class, predicted class) of each headline [n, 2], as `pairs` numbers them."""
        return pairs(self.truth, self.predicted)

    def write(self, path: Path) -> None:
        """Every headline with its predicted category and the probability of each class, as Parquet."""
        columns: dict[str, Any] = {name: self.headlines[name] for name in self.headlines.column_names}
        columns["predicted"] = pa.array(self.predicted, pa.string())
        columns["probability"] = pa.array(self.top)
        columns["probabilities"] = by_class(self.probabilities, self.classes)
        pq.write_table(pa.table(columns), path, compression="zstd")


def texts(headlines: pa.Table | pa.RecordBatch) -> list[str]:
    """The text of each prepared headline, with where it comes from, where that is read."""
    read = [name for name in COLUMNS if name in headlines.schema.names]
    columns = [headlines[name].to_pylist() if name in read else [None] * len(headlines) for name in COLUMNS]
    titles = headlines["title"].to_pylist()
    return [with_source(title, source) for title, *source in zip(titles, *columns, strict=True)] if read else titles


def numbered(categories: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """The place of each category among `classes` [n]; one past the last where it is none of them."""
    index = {name: number for number, name in enumerate(classes)}
    return np.asarray([index.get(each, len(classes)) for each in categories], dtype=np.int64)


def pairs(truth: Sequence[str], predicted: Sequence[str]) -> np.ndarray:
    """(true class, predicted class) of each held-out headline [n, 2], numbered by the classes of these headlines.

    The numbers depend on the truth alone, so that those of two models pair up, whatever classes either knows; one more
    number stands for all classes that no held-out headline has.
    """
    held_out = in_order(truth)
    return np.stack([numbered(truth, held_out), numbered(predicted, held_out)], axis=1)


def by_class(probabilities: np.ndarray, classes: Sequence[str]) -> pa.ListArray:
    """Probabilities [n, classes] as one list of (category, probability) per headline, classes in their order."""
    count, width = probabilities.shape
    offsets = pa.array(np.arange(count + 1, dtype=np.int32) * width)
    categories = pa.DictionaryArray.from_arrays(
        np.tile(np.arange(width, dtype=np.int32), count), pa.array(list(classes), pa.string())
    ).cast(pa.string())
    entries = pa.StructArray.from_arrays(
        [categories, pa.array(probabilities.astype(np.float64).ravel())], names=["category", "probability"]
    )
    return pa.ListArray.from_arrays(offsets, entries)
