"""Stage gate: the card of a model in SageMaker's schema, which goes into the registry with it; pure, in a Lambda.

The schema is that of cards of model packages (SageMaker developer guide, "Model package model card schema"). It bounds
every text, and knows no intervals and no simple models: these are in the notes of metrics, and groups of their own.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from trainyard.contract.config import RecipeConfig
from trainyard.contract.meaning import Meanings
from trainyard.run.costs.jobs import cost_in_words
from trainyard.run.documents import ChampionMetrics, Comparison, Decision, Difference, JobTimes, Metric
from trainyard.run.run import Run
from trainyard.run.settings.paths import by_path
from trainyard.run.stage import Stage
from trainyard.run.watch.drift import DataDrift
from trainyard.run.watch.profile import DataProfile

MetricT = TypeVar("MetricT")
# Of the whole card, in characters.
LONGEST = 100_000
# The schema's bounds, in characters, and how many data sets an evaluation may name.
NAME, GROUP_NAME, SETTING, NOTE, TEXT = 255, 63, 255, 1024, 2048
DATASETS = 10
# Those that JSON lets stand as they are.
LINE_ENDS = str.maketrans({each: f"\\u{ord(each):04x}" for each in "\u0085\u2028\u2029"})
CUT = "..."


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a model when the gate has decided; `profile`, `drift` and `jobs` may be missing."""

    run: Run
    config: RecipeConfig
    comparison: Comparison
    decision: Decision
    meanings: Meanings
    profile: DataProfile | None = None
    drift: DataDrift | None = None
    jobs: JobTimes | None = None


def model_card(known: Known) -> str:
    """The card as JSON without line breaks, which the registry's pattern does not have, and no longer than it takes."""
    card, metrics = _json(known), len(known.comparison.metrics)
    while len(card) > LONGEST and metrics > 1:
        metrics //= 2
        card = _json(replace(known, comparison=_with_fewer_metrics(known.comparison, metrics)))
    return card


def _json(known: Known) -> str:
    return json.dumps(content(known), ensure_ascii=False, allow_nan=False).translate(LINE_ENDS)


def _with_fewer_metrics(comparison: Comparison, most: int) -> Comparison:
    """Of every model the same ones, among them that which decides."""
    kept = sorted(comparison.metrics, key=lambda name: name != comparison.primary)[:most]
    champion = comparison.champion
    return replace(
        comparison,
        metrics={name: comparison.metrics[name] for name in kept},
        champion=champion and replace(champion, metrics=_among(kept, champion.metrics)),
        references={name: _among(kept, metrics) for name, metrics in comparison.references.items()},
    )


def _among(names: Collection[str], metrics: Mapping[str, MetricT]) -> dict[str, MetricT]:
    return {name: each for name, each in metrics.items() if name in names}


def content(known: Known) -> dict[str, Any]:
    """The card: purpose, training, evaluation beside simple models, and what the schema has no place of its own for."""
    card, decision = known.config.card, known.decision
    return {
        "model_overview": {"model_creator": _cut(card.owner or "not named", NOTE)},
        "intended_uses": {
            "purpose_of_model": _cut(card.purpose or known.config.title, TEXT),
            "factors_affecting_model_efficiency": _cut(card.limits or "None are written down.", TEXT),
            "risk_rating": card.risk,
        },
        "training_details": {
            "training_observations": _cut(decision.summary, NOTE),
            "training_job_details": {
                "training_datasets": [_cut(each, NOTE) for each in _files(known.run)],
                "user_provided_hyper_parameters": [
                    {"name": _name(name, NAME), "value": _line(_written(value), SETTING)}
                    for name, value in by_path(known.comparison.hyperparameters)
                ],
            },
        },
        "evaluation_details": [_evaluation(known)],
        "additional_information": {
            "caveats_and_recommendations": _cut(" ".join(_caveats(known)), TEXT),
            "custom_details": {name: _cut(text, NOTE) for name, text in _details(known) if text},
        },
    }


def _evaluation(known: Known) -> dict[str, Any]:
    comparison = known.comparison
    return {
        "name": "held-out examples",
        "evaluation_observation": _cut("\n".join(each.sentence for each in known.decision.checks), TEXT),
        "datasets": [known.run.uri(Stage.PROCESS, "holdout")],
        "metadata": {"examples": f"{comparison.rows}", "holdout": comparison.holdout or "not known"},
        "metric_groups": list(_groups(comparison, known.meanings)),
    }


def _groups(comparison: Comparison, meanings: Meanings) -> Iterator[dict[str, Any]]:
    """The model's metrics, the champion's, and those of simple models, which were judged on the same examples."""
    yield _group(
        "this model", comparison.metrics, notes={name: _meaning(name, meanings) for name in comparison.metrics}
    )
    if comparison.champion:
        yield _champion(comparison.champion, comparison.primary)
    for name, metrics in comparison.references.items():
        difference = comparison.differences.get(name)
        notes = {comparison.primary: _exceeds(difference)} if difference else {}
        yield _group(name, {key: Metric(value=value) for key, value in metrics.items()}, notes=notes)


def _champion(champion: ChampionMetrics, primary: str) -> dict[str, Any]:
    return _group(f"model in use: {champion.run_id}", champion.metrics, notes={primary: _exceeds(champion.difference)})


def _group(name: str, metrics: Mapping[str, Metric], *, notes: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": _name(name, GROUP_NAME),
        "metric_data": [_metric(key, each, note=notes.get(key, "")) for key, each in metrics.items()],
    }


def _metric(name: str, metric: Metric, *, note: str) -> dict[str, Any]:
    # JSON has no NaN: such a metric is a word.
    number = math.isfinite(metric.value)
    notes = "; ".join(each for each in (_interval(metric), note) if each)
    found: dict[str, Any] = {
        "name": _name(name, NAME),
        "type": "number" if number else "string",
        "value": metric.value if number else f"{metric.value}",
    }
    return found | ({"notes": _cut(notes, NOTE)} if notes else {})


def _interval(metric: Metric) -> str:
    return f"interval {metric.interval}" if metric.interval else ""


def _exceeds(difference: Difference) -> str:
    return f"this model is {difference.verdict} it: {difference.value:+.4g}, interval {difference.interval}"


def _meaning(name: str, meanings: Meanings) -> str:
    meaning = meanings.get(name)
    return f"{meaning.better} is better: {meaning.help}" if meaning else ""


def _files(run: Run) -> list[str]:
    files = [f"s3://{run.raw_bucket}/{each.key}?versionId={each.version_id}" for each in run.files]
    return files[:DATASETS] or ["the database of the environment"]


def _caveats(known: Known) -> Iterator[str]:
    """What a reader should know before they trust the model."""
    decision, comparison = known.decision, known.comparison
    if decision.standing:
        yield f"On the examples it was judged by, the model is {decision.standing}."
    if not decision.promote:
        yield f"The gate refused it: {' '.join(decision.reasons)}"
    if decision.waits:
        yield "It waits for the approval of a person; the approval of the package says what became of that."
    if comparison.not_applicable:
        yield f"Not measured, for such data do not have it: {', '.join(comparison.not_applicable)}."
    if known.drift and known.drift.moves:
        yield f"Its data are not like those of the model in use; columns that moved: {known.drift.moved_columns}."


def _details(known: Known) -> Iterator[tuple[str, str]]:
    """Lineage, data, drift and cost, by name."""
    run = known.run
    yield "recipe", run.recipe
    yield "run", run.run_id
    yield "data set", run.dataset
    yield "data fingerprint", run.fingerprint
    yield "execution", run.execution_arn
    yield "code version", run.code_version
    yield "artifacts", f"s3://{run.artifacts_bucket}/{run.prefix}"
    for name, table in known.profile.tables.items() if known.profile else ():
        missing = [f"{column} {each.missing:.1%}" for column, each in table.columns.items() if each.missing]
        lacking = f"; missing values: {', '.join(missing)}" if missing else ""
        yield f"table {name}", f"rows: {table.rows:,}; columns: {len(table.columns)}{lacking}"
    if known.drift:
        yield f"moved since {known.drift.reference}", _moves(known.drift, show_cells=run.show_cells)
    if known.jobs:
        yield "cost up to the gate", cost_in_words(known.jobs, known.config, region=run.region)


def _moves(drift: DataDrift, *, show_cells: bool) -> str:
    return "; ".join(each.told(show_cells=show_cells) for each in drift.moves) or "nothing"


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _name(text: str, most: int) -> str:
    """A name, which the schema wants on one line and not empty."""
    return _line(text, most) or "unnamed"


def _line(text: str, most: int) -> str:
    return _cut(" ".join(text.split()), most)


def _cut(text: str, most: int) -> str:
    """A text within the bounds of the schema."""
    return text if len(text) <= most else text[: most - len(CUT)] + CUT
