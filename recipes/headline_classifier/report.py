"""Post-processes a headline classifier: predictions, mistakes, pictures, sections of its report; runs in processing."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from recipes.headline_classifier import plots, word_vectors
from recipes.headline_classifier.config import CLASS_NAMES, CLASSES, Config
from recipes.headline_classifier.metrics import (
    confusion_matrix,
    expected_calibration_error,
    precision_recall_f1,
    reliability_bins,
)
from recipes.headline_classifier.predictions import Predictions
from trainyard.contract import charts, curves
from trainyard.contract.projection import spread_out, tsne
from trainyard.contract.report import Figure, ReportInputs, Section, Table, write_highlights

PREDICTIONS_FILE = "predictions.parquet"
MISTAKES_FILE = "mistakes.csv"
SHOWN_MISTAKES = 15
KEPT_MISTAKES = 500
MAP_WORDS = 400
MAP_NOTES = 90
# Of the width and height of the map.
NOTE_ROOM = (0.09, 0.025)
NAMES = tuple(CLASS_NAMES.values())


def report(inputs: ReportInputs, outputs: Path, *, config: Config) -> list[Section]:
    """Write the files below to `outputs`, and return the sections of the report.

    * `predictions.parquet`: every held-out headline with predicted category and the probability of each class.
    * `mistakes.csv`: the wrong ones the model was surest of, at most `KEPT_MISTAKES`.
    * `highlights.json`: quality by class, as a table to print.
    * `confusion.png`, `reliability.png`, `words.png`: the pictures of the report.
    """
    predictions = Predictions.of(inputs)
    predictions.write(outputs / PREDICTIONS_FILE)
    classes = _class_table(predictions)
    write_highlights(replace(classes, caption="Quality by class"), outputs)
    return [
        _class_section(predictions, classes, outputs=outputs),
        _reliability_section(predictions, outputs),
        _mistakes_section(predictions, outputs / MISTAKES_FILE),
        *_words_sections(inputs.model, outputs, seed=config.seed),
        *_training_section(inputs.model),
    ]


def _class_table(predictions: Predictions) -> Table:
    table = confusion_matrix(predictions.labels, predictions.predicted, classes=len(CLASSES))
    precision, recall, f1 = (np.round(each, 4).tolist() for each in precision_recall_f1(table))
    rows = [
        (f"{CLASSES[each]}: {NAMES[each]}", int(table[each].sum()), precision[each], recall[each], f1[each])
        for each in range(len(CLASSES))
    ]
    return Table(columns=("class", "headlines", "precision", "recall", "F1"), rows=rows)


def _class_section(predictions: Predictions, classes: Table, *, outputs: Path) -> Section:
    table = confusion_matrix(predictions.labels, predictions.predicted, classes=len(CLASSES))
    png = plots.confusion_matrix(table, NAMES)
    (outputs / "confusion.png").write_bytes(png)
    right = int(np.trace(table))
    total = len(predictions.labels)
    alt = f"Confusion matrix of {len(CLASSES)} classes: {right:,} of {total:,} headlines on the diagonal."
    text = (
        f"{total:,} headlines of stories that the model has never seen; {right:,} of them are right. "
        "Shares are of the true class."
    )
    figure = Figure(png=png, alt=alt, caption="Held-out headlines by true and predicted class.")
    return Section(title="Quality by class", text=text, tables=(classes,), figures=(figure,))


def _reliability_section(predictions: Predictions, outputs: Path) -> Section:
    png = plots.reliability_diagram(reliability_bins(predictions.probabilities, predictions.labels))
    (outputs / "reliability.png").write_bytes(png)
    error = expected_calibration_error(predictions.probabilities, predictions.labels)
    text = (
        "Of headlines that the model gives a probability of 0.8, 80 % should be right: the line should follow the "
        f"dashed one. On average it is {error:.3f} away from it (expected calibration error). Below, how many "
        "headlines have such a probability."
    )
    figure = Figure(png=png, alt=f"Reliability diagram; the expected calibration error is {error:.3f}.")
    return Section(title="Reliability", text=text, figures=(figure,))


def _mistakes_section(predictions: Predictions, path: Path) -> Section:
    labels, predicted, top = predictions.labels, predictions.predicted, predictions.probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    wrong = wrong[np.argsort(-top[wrong], kind="stable")][:KEPT_MISTAKES]
    titles = predictions.headlines["title"]
    rows = [
        (titles[row].as_py(), NAMES[labels[row]], NAMES[predicted[row]], round(float(top[row]), 4))
        for row in wrong.tolist()
    ]
    columns = ("headline", "labelled", "predicted", "probability")
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])
    text = "The wrong answers that the model was surest of; among them are labels that a reader would dispute."
    table = Table(columns=columns, rows=rows[:SHOWN_MISTAKES])
    return Section(title="Most confident mistakes", text=text, tables=(table,))


def _words_sections(model: Path, outputs: Path, *, seed: int) -> tuple[Section, ...]:
    words, vectors = word_vectors.load(model, MAP_WORDS)
    if len(words) < 5:
        return ()
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    points = tsne(unit, seed)
    notes = {row: words[row] for row in spread_out(points, MAP_NOTES, minimum_distance=NOTE_ROOM)}
    png = charts.scatter(points, ["word"] * len(words), notes=notes)
    (outputs / "words.png").write_bytes(png)
    text = f"t-SNE of the vectors of the {len(words)} most frequent words, by cosine, as they came from skip-gram."
    path = model / word_vectors.SIMILARITY_FILE
    if path.exists():
        similarity = json.loads(path.read_text(encoding="utf-8"))
        text += (
            f"\nSpearman correlation with human similarity: {similarity['word_similarity']:.3f} on the "
            f"{similarity['word_similarity_pairs']:.0f} of {similarity['pairs']} word pairs whose words the text holds."
        )
    figure = Figure(
        png=png,
        alt=f"Scatter plot of {len(words)} words after t-SNE.",
        caption="The commonest that leave each other room are named.",
    )
    return (Section(title="Word vectors", text=text, figures=(figure,)),)


def _training_section(model_dir: Path) -> tuple[Section, ...]:
    """Curves of the training, where the model came with them."""
    if not (model_dir / curves.CURVES_FILE).exists():
        return ()
    figures = curves.read(model_dir)
    shown = {
        "loss": "training loss",
        "validation_loss": "validation loss",
        "validation_macro_f1": "validation macro F1",
    }
    series = {label: figures[name] for name, label in shown.items()}
    alt = f"Training loss, validation loss and validation macro F1 over {len(figures['loss'])} epochs."
    return (Section(title="Training", figures=(Figure(png=charts.curves(series, x_label="epoch"), alt=alt),)),)
