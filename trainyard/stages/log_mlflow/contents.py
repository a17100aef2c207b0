"""What MLflow is told of a run: tags, parameters and metrics by names that it takes; pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from trainyard.run import naming, recipe
from trainyard.run.documents import Comparison, Decision, Metric
from trainyard.run.run import Run
from trainyard.run.settings.paths import by_path

RUN_TAG = "trainyard.run_id"
# What every server takes; SageMaker's earlier ones take no longer values.
LONGEST_VALUE = 500
FORBIDDEN = re.compile(r"[^\w.\- :/]")


def model_of(run: Run) -> str:
    """The name of the model in the ledger."""
    return naming.model_of(run.recipe, recipe.config(run.recipe, run.config))


def tags(run: Run, decision: Decision) -> dict[str, str]:
    """What the run is, by what code and execution, and what the gate decided.

    Nothing is logged when a person decides, so that no tag says of a model that it waits: it would for ever.
    """
    decided = "passed, needs approval" if decision.waits else "promoted" if decision.promote else "refused"
    return {
        RUN_TAG: run.run_id,
        "trainyard.recipe": run.recipe,
        "trainyard.model": model_of(run),
        "trainyard.dataset": run.dataset,
        "trainyard.code_version": run.code_version,
        "trainyard.execution": run.execution_arn,
        "trainyard.decision": decided,
        "mlflow.note.content": decision.summary,
    }


def parameters(run: Run) -> dict[str, str]:
    """Every setting by its path, as text; what is long is cut."""
    return {_name(path): _text(value)[:LONGEST_VALUE] for path, value in by_path(run.config)}


def metrics(comparison: Comparison) -> dict[str, float]:
    """Every metric on held-out data, the ends of intervals, and those of champion and simple models under their names.

    One that is no number is left out.
    """
    found = dict(_with_interval(comparison.metrics))
    if comparison.champion is not None:
        found |= {f"champion/{name}": each.value for name, each in comparison.champion.metrics.items()}
    for reference, values in comparison.references.items():
        found |= {f"{reference}/{name}": value for name, value in values.items()}
    return {_name(name): float(value) for name, value in found.items() if math.isfinite(value)}


def began(run: Run) -> int:
    """Milliseconds since 1970 when the run began, by its id: the same whenever it is logged."""
    return int(naming.began(run.run_id).timestamp() * 1000)


def _with_interval(found: Mapping[str, Metric]) -> Iterator[tuple[str, float]]:
    for name, each in found.items():
        yield name, each.value
        for end, value in (("low", each.low), ("high", each.high)):
            if value is not None:
                yield f"{name}/{end}", value


def _name(text: str) -> str:
    """A name of a parameter or metric as MLflow takes it."""
    return FORBIDDEN.sub("_", text)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
