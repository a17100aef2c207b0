"""Post-processes a headline classifier: predictions, mistakes, pictures, sections of its report; runs in processing."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recipes.headline_classifier import pictures, word_vectors
from recipes.headline_classifier.config import CLASS_NAMES, CLASSES, Config
from recipes.headline_classifier.measures import calibration_error, confusion, per_class, reliability
from recipes.headline_classifier.network import Classifier
from trainyard.pages import charts
from trainyard.pages.page import Figure, ReportInputs, Section, Table
from trainyard.pages.projection import apart, flattened

PREDICTIONS_FILE = "predictions.parquet"
HIGHLIGHTS_FILE = "highlights.json"
MISTAKES_FILE = "mistakes.csv"
CURVES_FILE = "curves.csv"
SHOWN_MISTAKES = 15
KEPT_MISTAKES = 500
MAP_WORDS = 400
MAP_NOTES = 90
# Of the width and height of the map.
NOTE_ROOM = (0.09, 0.025)
NAMES = tuple(CLASS_NAMES.values())


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Held-out headlines with their class numbers and the model's probabilities [n, classes]."""

    headlines: pa.Table
    labels: np.ndarray
    probabilities: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        return np.asarray(self.probabilities.argmax(axis=1))

    @classmethod
    def of(cls, inputs: ReportInputs) -> Judged:
        table = pq.read_table(inputs.process / "holdout" / "headlines.parquet")
        labels = np.asarray([CLASSES.index(each) for each in table["category"].to_pylist()])
        probabilities = Classifier.load(inputs.model).probabilities(table["title"].to_pylist())
        return cls(headlines=table, labels=labels, probabilities=probabilities)


def report(inputs: ReportInputs, outputs: Path, config: Config) -> list[Section]:
    """Write the files below to `outputs`, and return the sections of the report.

    * `predictions.parquet`: every held-out headline with predicted category and the probability of each class.
    * `mistakes.csv`: the wrong ones the model was surest of, at most `KEPT_MISTAKES`.
    * `highlights.json`: quality by class, as a table to print.
    * `confusion.png`, `reliability.png`, `words.png`: the pictures of the report.
    """
    judged = Judged.of(inputs)
    _write_predictions(judged, outputs / PREDICTIONS_FILE)
    classes = _class_table(judged)
    highlights = {
        "title": "Quality by class",
        "columns": list(classes.columns),
        "rows": [list(r) for r in classes.rows],
    }
    (outputs / HIGHLIGHTS_FILE).write_text(json.dumps(highlights, indent=2), encoding="utf-8")
    return [
        _class_section(judged, classes, outputs),
        _reliability_section(judged, outputs),
        _mistakes_section(judged, outputs / MISTAKES_FILE),
        *_words_sections(inputs.model, outputs, config.seed),
        *_training_section(inputs.model / CURVES_FILE),
    ]


def _write_predictions(judged: Judged, path: Path) -> None:
    columns: dict[str, Any] = {name: judged.headlines[name] for name in judged.headlines.column_names}
    columns["predicted"] = pa.array([CLASSES[place] for place in judged.predicted.tolist()], pa.string())
    for place, name in enumerate(CLASSES):
        columns[f"probability_{name}"] = pa.array(judged.probabilities[:, place])
    pq.write_table(pa.table(columns), path, compression="zstd")


def _class_table(judged: Judged) -> Table:
    table = confusion(judged.labels, judged.predicted, len(CLASSES))
    precision, recall, f1 = (np.round(each, 4).tolist() for each in per_class(table))
    rows = [
        (f"{CLASSES[place]}: {NAMES[place]}", int(table[place].sum()), precision[place], recall[place], f1[place])
        for place in range(len(CLASSES))
    ]
    return Table(columns=("class", "headlines", "precision", "recall", "F1"), rows=rows)


def _class_section(judged: Judged, classes: Table, outputs: Path) -> Section:
    table = confusion(judged.labels, judged.predicted, len(CLASSES))
    png = pictures.confusion_matrix(table, NAMES)
    (outputs / "confusion.png").write_bytes(png)
    right = int(np.trace(table))
    alt = f"Confusion matrix of {len(CLASSES)} classes: {right:,} of {len(judged.labels):,} headlines on the diagonal."
    text = (
        f"{len(judged.labels):,} headlines of stories that the model has never seen; {right:,} of them are right. "
        "Shares are of the true class."
    )
    figure = Figure(png=png, alt=alt, caption="Held-out headlines by true and predicted class.")
    return Section(title="Quality by class", text=text, tables=(classes,), figures=(figure,))


def _reliability_section(judged: Judged, outputs: Path) -> Section:
    png = pictures.reliability_diagram(reliability(judged.probabilities, judged.labels))
    (outputs / "reliability.png").write_bytes(png)
    error = calibration_error(judged.probabilities, judged.labels)
    text = (
        "Of headlines that the model gives a probability of 0.8, 80 % should be right: the line should follow the "
        f"dashed one. On average it is {error:.3f} away from it (expected calibration error). Below, how many "
        "headlines have such a probability."
    )
    figure = Figure(png=png, alt=f"Reliability diagram; the expected calibration error is {error:.3f}.")
    return Section(title="Reliability", text=text, figures=(figure,))


def _mistakes_section(judged: Judged, path: Path) -> Section:
    top = judged.probabilities.max(axis=1)
    wrong = np.flatnonzero(judged.predicted != judged.labels)
    wrong = wrong[np.argsort(-top[wrong], kind="stable")][:KEPT_MISTAKES]
    titles = judged.headlines["title"]
    rows = [
        (titles[row].as_py(), NAMES[judged.labels[row]], NAMES[judged.predicted[row]], round(float(top[row]), 4))
        for row in wrong.tolist()
    ]
    columns = ("headline", "labelled", "predicted", "probability")
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])
    text = "The wrong answers that the model was surest of; among them are labels that a reader would dispute."
    table = Table(columns=columns, rows=rows[:SHOWN_MISTAKES])
    return Section(title="Most confident mistakes", text=text, tables=(table,))


def _words_sections(model: Path, outputs: Path, seed: int) -> tuple[Section, ...]:
    words, vectors = word_vectors.load(model, MAP_WORDS)
    if len(words) < 5:
        return ()
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    points = flattened(unit, seed)
    notes = {row: words[row] for row in apart(points, MAP_NOTES, NOTE_ROOM)}
    png = charts.scatter(points, ["word"] * len(words), notes)
    (outputs / "words.png").write_bytes(png)
    text = f"t-SNE of the vectors of the {len(words)} most frequent words, by cosine, as they came from skip-gram."
    path = model / word_vectors.SCORE_FILE
    if path.exists():
        score = json.loads(path.read_text(encoding="utf-8"))
        text += (
            f"\nSpearman correlation with human similarity: {score['word_similarity']:.3f} on the "
            f"{score['word_similarity_pairs']:.0f} of {score['pairs']} word pairs whose words the text holds."
        )
    figure = Figure(
        png=png,
        alt=f"Scatter plot of {len(words)} words after t-SNE.",
        caption="The commonest that leave each other room are named.",
    )
    return (Section(title="Word vectors", text=text, figures=(figure,)),)


def _training_section(path: Path) -> tuple[Section, ...]:
    """Curves of the training, where the model came with them."""
    if not path.exists():
        return ()
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    shown = {
        "loss": "training loss",
        "validation_loss": "validation loss",
        "validation_macro_f1": "validation macro F1",
    }
    series = {label: [float(row[name]) for row in rows] for name, label in shown.items()}
    alt = f"Training loss, validation loss and validation macro F1 over {len(rows)} epochs."
    return (Section(title="Training", figures=(Figure(png=charts.curves(series, x_label="epoch"), alt=alt),)),)
