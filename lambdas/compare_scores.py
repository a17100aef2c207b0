"""Lambda: sets scored data beside those that the model was trained on, measures what moved, and may ask to retrain."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger

from lambdas import clients, environment
from trainyard.stages.score.watch import Services, watch

logger = Logger(service="compare_scores")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """`{"run": {"recipe", "run_id"}, "model": name}` -> `Watched` of trainyard/stages/score/watch.py."""
    name, run_id = event["run"]["recipe"], event["run"]["run_id"]
    with logger.append_context_keys(recipe=name, run_id=run_id, model=event["model"]):
        logger.info("comparing")
        store = clients.run_store(name, run_id)
        found = watch(store, event["model"], services=_services()).to_mapping()
        logger.info("compared", extra={"moved": found["moved"], "retrain": "retrain" in found})
    return found


@cache
def _services() -> Services:
    return Services(
        cloudwatch=boto3.client("cloudwatch"),
        dynamodb=clients.dynamodb(),
        ledger_table=environment.read().ledger_table,
        prefix=os.environ["PREFIX"],
    )
