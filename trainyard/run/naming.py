"""What the models of a recipe and their endpoints are called, everywhere."""

from __future__ import annotations


def run_prefix(recipe: str, run_id: str) -> str:
    """The folder of a run in the artifacts bucket, without a slash at its end."""
    return f"{recipe}/{run_id}"


def model_name(recipe: str, variant: str) -> str:
    """What champion pointer and endpoint are named after: the recipe, and the variant where it has several models."""
    return f"{recipe}-{variant}" if variant else recipe


def endpoint_name(prefix: str, model: str) -> str:
    """The endpoint of a model (`model_name`) in the environment whose names begin with `prefix`, as in the machine.

    >>> endpoint_name("trainyard-dev", "two_tower")
    'trainyard-dev-two-tower'
    """
    return f"{prefix}-{model.replace('_', '-')}"
