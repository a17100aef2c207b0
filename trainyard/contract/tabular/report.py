"""What the run report shows of a tabular model; runs in the processing image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from trainyard.contract.report import Cell, Figure, ReportInputs, Section, Table, write_highlights
from trainyard.contract.tabular import plots
from trainyard.contract.tabular.config import TabularConfig
from trainyard.contract.tabular.importance import permutation_importance
from trainyard.contract.tabular.inference import TrainedModel, load_trained
from trainyard.contract.tabular.probabilities import reliability_bins
from trainyard.contract.tabular.thresholds import Curve, curve

CALLED_SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
ERROR_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
SHOWN_COLUMNS, SHOWN_CLASSES = 20, 20


def report(inputs: ReportInputs, outputs: Path, *, config: TabularConfig) -> list[Section]:
    """Importances; of classes who is confused with whom; of two also ranking and calibration; of values their errors.

    Writes the importances for terminals too.
    """
    model, rows = load_trained(inputs.model), pd.read_parquet(inputs.process / "holdout")
    encoded, labels = model.encoder.encode(rows), model.encoder.labels(rows)
    predictions = model.fitted.predict(encoded)
    importance = permutation_importance(model, encoded, labels=labels, primary=config.gate.primary, seed=config.seed)
    table = _importance_table(importance, config.gate.primary)
    write_highlights(table, outputs)
    sections = [Section(title="What matters", text=_importance_text(model), tables=(table,))]
    if not model.encoder.classes:
        return [*sections, _errors_section(predictions, labels)]
    if len(model.encoder.classes) == 2:
        positive = f"{model.encoder.target} = {model.encoder.classes[1]}"
        sections += _ranking_sections(predictions[:, 1], labels, positive=positive)
    return [*sections, _confusion_section(predictions, labels, classes=model.encoder.classes)]


def _importance_text(model: TrainedModel) -> str:
    return (
        f"Each of the {len(model.encoder.columns)} columns with the part of the metric that is lost on held-out rows "
        "when its values are shuffled among them."
    )


def _importance_table(importance: list[tuple[str, float]], primary: str) -> Table:
    shown: list[list[Cell]] = [[name, lost] for name, lost in importance[:SHOWN_COLUMNS]]
    return Table(columns=("column", f"{primary} lost"), rows=shown, caption="What matters")


def _ranking_sections(probabilities: np.ndarray, labels: np.ndarray, *, positive: str) -> list[Section]:
    ones, even = (labels == 1).astype(np.float64), np.ones(len(labels))
    ranking, bins = curve(probabilities, ones, weights=even), reliability_bins(probabilities, ones, weights=even)
    called = Figure(
        png=plots.ranking_curves(ranking), alt="ROC, precision over recall, and lift over the share called."
    )
    diagram = Figure(
        png=plots.reliability_diagram(bins), alt="Observed share over predicted probability, with intervals."
    )
    reliability = Table(
        columns=("predicted", "observed", "95 % from", "to", "held-out rows"),
        rows=[[each.predicted, each.observed, each.low, each.high, each.rows] for each in bins],
    )
    return [
        Section(
            title="Ranking",
            text=f"Held-out rows by their probability of {positive}; {ranking.rate:.1%} of them are that.",
            figures=(called,),
            tables=(_called_table(ranking, positive),),
        ),
        Section(
            title="Calibration",
            text="Held-out rows in groups of equal size by predicted probability; a calibrated model lies on the line.",
            figures=(diagram,),
            tables=(reliability,),
        ),
    ]


def _called_table(ranking: Curve, positive: str) -> Table:
    curves = (ranking.called, ranking.thresholds, ranking.precision, ranking.recall, ranking.lift)
    places = [ranking.at(share) for share in CALLED_SHARES]
    return Table(
        columns=("rows called, share", "from probability", f"{positive} among them", "share of them found", "lift"),
        rows=[[float(each[place]) for each in curves] for place in places],
    )


def _confusion_section(predictions: np.ndarray, labels: np.ndarray, *, classes: tuple[str, ...]) -> Section:
    """A row per true class, the most frequent ones first, and a column per predicted class."""
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(counts, (labels[labels >= 0], predictions.argmax(axis=1)[labels >= 0]), 1)
    shown = np.argsort(-counts.sum(axis=1), kind="stable")[:SHOWN_CLASSES]
    rows: list[list[Cell]] = [[classes[true], *(int(counts[true, each]) for each in shown)] for true in shown]
    table = Table(columns=("true class", *(f"predicted {classes[each]}" for each in shown)), rows=rows)
    text = "How many held-out rows of each class the model takes for which: the most probable one counts."
    return Section(title="Confusion", text=text, tables=(table,))


def _errors_section(predictions: np.ndarray, labels: np.ndarray) -> Section:
    """Errors in groups of equally many rows by the prediction."""
    figure = Figure(png=plots.predicted_values(predictions, labels), alt="Predicted over true values, and errors.")
    rows: list[list[Cell]] = []
    for group in np.array_split(np.argsort(predictions, kind="stable"), min(10, len(labels))):
        errors = predictions[group] - labels[group]
        quantiles = [float(each) for each in np.quantile(errors, ERROR_QUANTILES)]
        rows.append([float(predictions[group].mean()), float(labels[group].mean()), *quantiles])
    table = Table(
        columns=("predicted, mean", "true, mean", *(f"error, {share:.0%} below" for share in ERROR_QUANTILES)),
        rows=rows,
    )
    text = "Held-out rows in groups of equal size by predicted value; an error is the predicted less the true value."
    return Section(title="Errors", text=text, figures=(figure,), tables=(table,))
