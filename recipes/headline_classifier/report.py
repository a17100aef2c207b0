"""Post-processes a headline classifier: predictions, mistakes, pictures, sections of its report; runs in processing."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from recipes.headline_classifier import plots
from recipes.headline_classifier.classes import listing
from recipes.headline_classifier.config import Config
from recipes.headline_classifier.deciding_parts import DecidingParts
from recipes.headline_classifier.inference import Classifier
from recipes.headline_classifier.metrics import (
    accuracy,
    confusion_matrix,
    expected_calibration_error,
    precision_recall_f1,
    reliability_bins,
)
from recipes.headline_classifier.network import word_vectors
from recipes.headline_classifier.predictions import Predictions, numbered, texts
from trainyard.contract import charts
from trainyard.contract.intervals import wilson
from trainyard.contract.projection import spread_out, tsne
from trainyard.contract.report import Cell, Figure, ReportInputs, Section, Table, write_highlights
from trainyard.contract.training import curves

PREDICTIONS_FILE = "predictions.parquet"
MISTAKES_FILE = "mistakes.csv"
SHOWN_MISTAKES = 15
KEPT_MISTAKES = 500
# Headlines of which it is said which part decides.
MAX_TAKEN_APART = 10_000
MAP_WORDS = 400
MAP_NOTES = 90
# Of the width and height of the map.
NOTE_ROOM = (0.09, 0.025)
# Classes that are printed beside a run; the report has them all.
HIGHLIGHTED_CLASSES = 20
# From so many classes on, the pairs that are confused most say more than the picture.
MANY_CLASSES = 8
SHOWN_PAIRS = 15


def report(inputs: ReportInputs, outputs: Path, *, config: Config) -> list[Section]:
    """Write the files below to `outputs`, and return the sections of the report.

    * `predictions.parquet`: every held-out headline with predicted category and the probability of each class.
    * `mistakes.csv`: the wrong ones the model was surest of, at most `KEPT_MISTAKES`.
    * `highlights.json`: quality by class, as a table to print.
    * `confusion.png`, `reliability.png`, `words.png`: the pictures of the report.
    """
    predictions = Predictions.of(inputs.model, inputs.process / "holdout")
    predictions.write(outputs / PREDICTIONS_FILE)
    table = _confusion(predictions)
    classes = _class_table(predictions, table)
    write_highlights(_highlights(classes), outputs)
    return [
        _class_section(predictions, classes, table=table, outputs=outputs),
        _reliability_section(predictions, outputs),
        *_parts_sections(predictions, Classifier.load(inputs.model)),
        _mistakes_section(predictions, outputs / MISTAKES_FILE),
        *_words_sections(inputs.model, outputs, seed=config.seed),
        *_training_section(inputs.model),
    ]


def _confusion(predictions: Predictions) -> np.ndarray:
    """Held-out headlines by true and predicted class, in the order of the model's classes."""
    labels, predicted = (numbered(each, predictions.classes) for each in (predictions.truth, predictions.predicted))
    return confusion_matrix(labels, predicted, classes=len(predictions.classes))


def _class_table(predictions: Predictions, table: np.ndarray) -> Table:
    precision, recall, f1 = (np.round(each, 4).tolist() for each in precision_recall_f1(table))
    rows: list[tuple[Cell, ...]] = []
    for number, (own, name) in enumerate(zip(predictions.classes, predictions.names, strict=True)):
        label, count = own if own == name else f"{own}: {name}", int(table[number].sum())
        # A class that nobody can be right about has no quality.
        quality = (precision[number], recall[number], f1[number]) if count else (None, None, None)
        rows.append((label, count, *quality))
    return Table(columns=("class", "headlines", "precision", "recall", "F1"), rows=rows)


def _highlights(classes: Table) -> Table:
    """Quality by class, of the commonest classes where there are many."""
    if len(classes.rows) <= HIGHLIGHTED_CLASSES:
        return replace(classes, caption="Quality by class")
    commonest = sorted(classes.rows, key=lambda row: -int(row[1] or 0))[:HIGHLIGHTED_CLASSES]
    caption = f"Quality by class, of the {HIGHLIGHTED_CLASSES} most frequent of {len(classes.rows)}"
    return replace(classes, rows=commonest, caption=caption)


def _class_section(predictions: Predictions, classes: Table, *, table: np.ndarray, outputs: Path) -> Section:
    png = plots.confusion_matrix(table, predictions.names)
    (outputs / "confusion.png").write_bytes(png)
    right, total = int(np.trace(table)), int(table.sum())
    alt = f"Confusion matrix of {len(table)} classes: {right:,} of {total:,} headlines on the diagonal."
    text = (
        f"{total:,} headlines of stories that the model has never seen; {right:,} of them are right. "
        "Shares are of the true class."
    )
    figure = Figure(png=png, alt=alt, caption="Held-out headlines by true and predicted class.")
    confused = (_confused(predictions, table),) if len(table) >= MANY_CLASSES else ()
    text += _not_held_out(predictions, table)
    return Section(title="Quality by class", text=text, tables=(classes, *confused), figures=(figure,))


def _not_held_out(predictions: Predictions, table: np.ndarray) -> str:
    """A paragraph about the classes without held-out headlines, if there are any."""
    lacking = [name for name, row in zip(predictions.names, table, strict=True) if not row.sum()]
    if not lacking:
        return ""
    return (
        f"\nNo held-out headline is of {listing(lacking, most=10)}: how well the model knows them cannot be said. "
        f"Macro F1 is the mean over the other {len(table) - len(lacking)} classes, for this model, its champion and "
        "every baseline alike."
    )


def _confused(predictions: Predictions, table: np.ndarray) -> Table:
    """The pairs of a true and a predicted class with the most headlines."""
    wrong = table - np.diag(np.diag(table))
    order = np.argsort(-wrong, axis=None, kind="stable")[:SHOWN_PAIRS]
    names = predictions.names
    rows = [
        (names[true], names[predicted], int(wrong[true, predicted]))
        for true, predicted in zip(*(each.tolist() for each in np.unravel_index(order, wrong.shape)), strict=True)
        if wrong[true, predicted]
    ]
    return Table(columns=("class", "predicted", "headlines"), rows=rows, caption="Confused most often")


def _reliability_section(predictions: Predictions, outputs: Path) -> Section:
    bins = reliability_bins(predictions.top, predictions.right)
    png = plots.reliability_diagram(bins)
    (outputs / "reliability.png").write_bytes(png)
    error = expected_calibration_error(predictions.top, predictions.right)
    text = (
        "Of headlines that the model gives a probability of 0.8, 80 % should be right: the line should follow the "
        f"dashed one. On average it is {error:.3f} away from it (expected calibration error). Below, how many "
        "headlines have such a probability."
    )
    figure = Figure(png=png, alt=f"Reliability diagram; the expected calibration error is {error:.3f}.")
    used = bins[bins[:, 0] > 0]
    ends = wilson(used[:, 2], used[:, 0])
    rows = [
        (float(stated), float(right), float(low), float(high), int(count))
        for (count, stated, right), low, high in zip(used, *ends, strict=True)
    ]
    table = Table(columns=("probability", "right", "95 % from", "to", "headlines"), rows=rows)
    return Section(title="Reliability", text=text, figures=(figure,), tables=(table,))


def _parts_sections(predictions: Predictions, classifier: Classifier) -> tuple[Section, ...]:
    """How much each part of the model decides, where it has several and more than one class."""
    some = predictions.headlines.slice(0, MAX_TAKEN_APART)
    found = DecidingParts.of(classifier, texts(some))
    if not found or len(predictions.classes) < 2:
        return ()
    truth = numbered(some["category"].to_pylist(), predictions.classes)
    decides = np.bincount(found.decisive(), minlength=len(found.names)) / len(truth)
    rows: list[tuple[Cell, ...]] = [
        (
            name,
            round(float(decides[part]), 4),
            round(accuracy(truth, found.answers(only=part)), 4),
            round(accuracy(truth, found.answers(without=part)), 4),
        )
        for part, name in enumerate(found.names)
    ]
    text = (
        "The model adds what its parts say of each class. A part decides a headline when it adds most to the lead of "
        f"the answer over the next class. All parts together are right about {accuracy(truth, found.answers()):.1%}."
    )
    columns = ("part", "decides", "right alone", "right without it")
    return (Section(title="What decides", text=text, tables=(Table(columns=columns, rows=rows),)),)


def _mistakes_section(predictions: Predictions, path: Path) -> Section:
    named = dict(zip(predictions.classes, predictions.names, strict=True))
    truth, predicted, top = predictions.truth, predictions.predicted, predictions.top
    wrong = np.flatnonzero(~predictions.right)
    wrong = wrong[np.argsort(-top[wrong], kind="stable")][:KEPT_MISTAKES]
    titles = predictions.headlines["title"]
    rows = [
        (titles[row].as_py(), named[truth[row]], named[predicted[row]], round(float(top[row]), 4))
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
    epochs = len(figures["loss"])
    panels = {
        "loss": {"training": figures["loss"], "validation": figures["validation_loss"]},
        "validation macro F1": {"macro F1": figures["validation_macro_f1"]},
    }
    text = (
        "Training weighs the classes and drops numbers at random, so that its loss may lie above that of validation. "
        f"All {epochs} epochs are kept."
    )
    alt = f"Training and validation loss on one pair of axes, and validation macro F1, over {epochs} epochs."
    figure = Figure(png=charts.curves(panels, x_label="epoch", kept=dict.fromkeys(panels, epochs)), alt=alt)
    return (Section(title="Training", text=text, figures=(figure,)),)
