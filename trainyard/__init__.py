"""Trains, compares and serves models of a deployment: `yard = trainyard.connect()`; what it needs is imported then."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainyard.client.yard import Yard

__all__ = ["connect"]


def connect(env: str = "dev", *, aws: bool = False) -> Yard:
    """The deployment of an environment: of the local cloud that runs, or with `aws=True` of your AWS account.

    >>> yard = connect()  # doctest: +SKIP
    >>> run = yard.run("prod2vec", data="data", settings={"hyperparameters.epochs": 5}).wait()  # doctest: +SKIP
    >>> run.metrics, run.frame("embeddings")  # doctest: +SKIP

    Raises trainyard.errors.NotFound where the local cloud is down or nothing is deployed.
    """
    # Jobs and functions import this package too, and have no use for what this loads.
    from trainyard.client import yard

    return yard.connect(env, aws=aws)
