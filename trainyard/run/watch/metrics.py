"""Where CloudWatch has what is measured of models in use: a namespace per recipe, each model a dimension."""

from __future__ import annotations

from typing import Any

MODEL_DIMENSION = "Model"


def namespace(prefix: str, recipe_name: str) -> str:
    """Where the metrics of a recipe's models are, in the environment with this `prefix`."""
    return f"{prefix}/{recipe_name}"


def put(cloudwatch: Any, where: str, *, model: str, metric: str, value: float) -> None:
    """Put a count, once of the model and once of whichever model of the namespace was measured last (boto3)."""
    measured = {"MetricName": metric, "Value": value, "Unit": "Count"}
    of_model = {**measured, "Dimensions": [{"Name": MODEL_DIMENSION, "Value": model}]}
    cloudwatch.put_metric_data(Namespace=where, MetricData=[measured, of_model])
