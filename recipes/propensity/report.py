"""The tables and plots of a run: calibration, thresholds, feature importance, search; runs in the processing image."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from recipes.propensity.columns.outcome import DATABASE_OUTCOME, Outcome
from recipes.propensity.columns.uses import Description
from recipes.propensity.config import Config
from recipes.propensity.inference import Ensemble, Shares
from recipes.propensity.networks import combinations
from recipes.propensity.networks.combinations import COMBINATIONS_FILE
from recipes.propensity.population import Population
from recipes.propensity.threshold_section import thresholds_section
from recipes.propensity.training_data import VISITS_FILE
from trainyard.contract import charts
from trainyard.contract.report import Cell, Figure, ReportInputs, Section, Table
from trainyard.contract.tabular.plots import reliability_diagram
from trainyard.contract.tabular.probabilities import ReliabilityBin, auc, reliability_bins
from trainyard.contract.tabular.thresholds import curve
from trainyard.contract.training import curves

MAX_VISITS, MAX_IMPORTANCE_VISITS = 100_000, 10_000
SHOWN_COMBINATIONS = 10
SHOWN_COLUMNS = 15
RELIABILITY_COLUMNS = ("predicted", "observed", "95 % from", "to", "held-out visits")


def report(inputs: ReportInputs, outputs: Path, *, config: Config) -> list[Section]:
    """Sections of the page, and beside it `combinations.csv`, `reliability.csv` and `drivers.csv`."""
    ensemble = Ensemble.load(inputs.model)
    holdout = inputs.process / "holdout"
    visits, population = _some(pd.read_parquet(holdout / VISITS_FILE), seed=config.seed), Population.load(holdout)
    labels = visits["is_sale"].to_numpy(np.float64)
    probabilities = ensemble.probabilities(visits)
    bins = reliability_bins(probabilities, labels, weights=population.weights(labels))
    ranking = curve(probabilities, labels, weights=population.weights(labels))
    importance = permutation_importance(ensemble, visits, seed=config.seed)
    _write(
        outputs / "reliability.csv",
        ["predicted", "observed", "low", "high", "visits"],
        rows=[_cells(each) for each in bins],
    )
    _write(outputs / "drivers.csv", ["column", "auc_lost"], rows=importance)
    (outputs / COMBINATIONS_FILE).write_bytes((inputs.model / COMBINATIONS_FILE).read_bytes())
    description = Description.load(holdout)
    return [
        _sample_section(population, description),
        *([_columns_section(description)] if description else []),
        _calibration_section(bins, probabilities, labels=labels, population=population),
        thresholds_section(ranking, ensemble.threshold),
        _importance_section(importance),
        _search_section(combinations.read(inputs.model / COMBINATIONS_FILE)),
        _training_section(inputs.model, ensemble.shares),
    ]


def _some(visits: pd.DataFrame, *, seed: int) -> pd.DataFrame:
    """At most `MAX_VISITS` at random: curves of more look the same, and take longer."""
    if len(visits) <= MAX_VISITS:
        return visits
    return visits.sample(MAX_VISITS, random_state=seed).reset_index(drop=True)


def permutation_importance(ensemble: Ensemble, visits: pd.DataFrame, *, seed: int) -> list[tuple[str, float]]:
    """AUC that is lost when a column's values are shuffled among the visits, the most first.

    (Breiman 2001, "Random Forests", section 10; on held-out visits)
    """
    some = visits.sample(min(len(visits), MAX_IMPORTANCE_VISITS), random_state=seed).reset_index(drop=True)
    labels = some["is_sale"].to_numpy(np.float64)
    inputs = ensemble.encoder.transform(ensemble.encoder.columns_of(some))
    whole = auc(ensemble.sample_logits(inputs), labels)
    random = np.random.default_rng(seed)
    lost = []
    for column, indices in ensemble.encoder.inputs_by_column().items():
        shuffled = inputs.copy()
        shuffled[:, indices] = inputs[random.permutation(len(inputs))][:, indices]
        lost.append((column, whole - auc(ensemble.sample_logits(shuffled), labels)))
    return sorted(lost, key=lambda each: -each[1])


def _sample_section(population: Population, description: Description | None) -> Section:
    outcome = description.outcome if description else DATABASE_OUTCOME
    rows: list[list[Cell]] = [
        [outcome.happened, population.sales, population.sampled_sales],
        [outcome.did_not, population.others, population.sampled_others],
    ]
    table = Table(columns=(outcome.rows, "in the data", "in the sample"), rows=rows)
    return Section(title="Sample", text=_sample_text(population, outcome), tables=(table,))


def _sample_text(population: Population, outcome: Outcome) -> str:
    rate = f"{population.sale_rate:.2%}"
    if outcome == DATABASE_OUTCOME:
        dates = f" from {population.start_date} to {population.end_date}" if population.start_date else ""
        return (
            f"Product {population.product_id}{dates}, {population.sales_volume:,} sales. "
            f"{rate} of the visits end in a sale; probabilities are corrected to that share."
        )
    others = f"no is {outcome.no!r}" if outcome.no else "all other values mean no"
    why = f"; {outcome.why}" if outcome.why else ""
    return f"Outcome: {outcome.column}, yes is {outcome.yes!r} ({rate} of the {outcome.rows}), {others}{why}."


def _columns_section(description: Description) -> Section:
    unused = dict(description.left_out)
    rows: list[list[Cell]] = [
        [each.name, "not used" if each.name in unused else each.use, unused.get(each.name, each.reason)]
        for each in description.columns
    ]
    key = f" Rows are held out by {description.key}." if description.key else " Rows are held out by all that they say."
    text = f"What each column was taken for; data.label, data.categorical, data.numeric and data.drop change it.{key}"
    table = Table(columns=("column", "used as", "because it"), rows=rows)
    return Section(title="Columns", text=text, tables=(table,))


def _calibration_section(
    bins: list[ReliabilityBin], probabilities: np.ndarray, *, labels: np.ndarray, population: Population
) -> Section:
    weights = population.weights(labels)
    mean = float(np.average(probabilities, weights=weights))
    text = (
        f"Held-out visits ({MAX_VISITS:,} at most) in ten groups of equal weight, by predicted probability. On average "
        f"the model says {mean:.4f}; the true rate is {population.sale_rate:.4f}. A calibrated model lies on the line."
    )
    # Most groups of a shop with few sales lie close to zero.
    png = reliability_diagram(bins, logarithmic=True)
    figure = Figure(png=png, alt="Observed share of sales, with its interval, over predicted probability, in groups.")
    table = Table(columns=RELIABILITY_COLUMNS, rows=[_cells(each) for each in bins])
    return Section(title="Calibration", text=text, figures=(figure,), tables=(table,))


def _cells(each: ReliabilityBin) -> list[Cell]:
    return [each.predicted, each.observed, each.low, each.high, each.rows]


def _importance_section(importance: list[tuple[str, float]]) -> Section:
    table = Table(
        columns=("column", "AUC lost when shuffled"), rows=[list(each) for each in importance[:SHOWN_COLUMNS]]
    )
    text = "How much AUC the model loses on held-out visits when the values of one column are shuffled among them."
    return Section(title="Feature importance", text=text, tables=(table,))


def _search_section(tried: list[dict[str, str]]) -> Section:
    columns = tuple(tried[0])
    rows = [[_cell(each[name]) for name in columns] for each in tried[:SHOWN_COMBINATIONS]]
    text = (
        f"{len(tried)} combination{'s' if len(tried) > 1 else ''} of hyperparameters, best validation "
        "loss first; loss, accuracy, precision and recall are of the sample, a visit counting as a sale from 0.5 on."
    )
    return Section(title="Combinations tried", text=text, tables=(Table(columns=columns, rows=rows),))


def _cell(text: str) -> Cell:
    try:
        return float(text) if "." in text or "e" in text else int(text)
    except ValueError:
        return text


def _training_section(model_dir: Path, shares: Shares) -> Section:
    series = curves.read(model_dir)
    epochs, lowest = len(series["loss"]), int(np.argmin(series["validation_loss"])) + 1
    panels = {"log loss, mean over the networks": {"training": series["loss"], "validation": series["validation_loss"]}}
    figure = Figure(
        png=charts.curves(panels, x_label="epoch"),
        alt=f"Training and validation loss over {epochs} epochs; that of validation is lowest in epoch {lowest}.",
    )
    text = (
        "Mean over the networks of the average. Each stops by itself and keeps its best epoch; on average validation "
        f"loss is lowest in epoch {lowest}.{_members_text(shares)}"
    )
    return Section(title="Training", text=text, figures=(figure,))


def _members_text(shares: Shares) -> str:
    if not shares.trees:
        return ""
    rest = 1.0 - shares.linear
    return (
        f" The log odds are {rest * (1.0 - shares.trees):.0%} theirs, {rest * shares.trees:.0%} those of boosted trees "
        f"and {shares.linear:.0%} those of a logistic regression."
    )


def _write(path: Path, columns: list[str], *, rows: list[list[Cell]] | list[tuple[str, float]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
