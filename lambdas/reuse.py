"""Lambda: takes over finished stages of earlier runs before the first job, and records a stage after its job."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger

from lambdas import clients, environment
from trainyard.run.document import encoded
from trainyard.run.stage import Stage
from trainyard.stages.reuse.find import find
from trainyard.stages.reuse.record import record
from trainyard.stages.reuse.running import runs_still
from trainyard.stages.reuse.stage_ledger import StageLedger

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

# Written when this was deployed: which code each stage of each recipe runs.
CODES_FILE = Path(__file__).with_name("stage_code.json")
logger = Logger(service="reuse")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """`{"run": {"recipe", "run_id"}, "fresh"}` -> `Reuse` of run/reuse.py.

    With `stage`, which has just been computed: `{"recorded"}`, whether it can be reused.
    """
    name, run_id = event["run"]["recipe"], event["run"]["run_id"]
    with logger.append_context_keys(recipe=name, run_id=run_id):
        store = clients.run_store(name, run_id)
        codes = _codes().get(name, {})
        ledger = StageLedger(table=environment.read().ledger_table, dynamodb=clients.dynamodb())
        if "stage" in event:
            made = record(store, Stage(event["stage"]), codes=codes, ledger=ledger)
            logger.info("recorded", extra={"stage": event["stage"], "reusable": made is not None})
            return {"recorded": made is not None}
        found = find(
            store,
            codes=codes,
            ledger=ledger,
            runs_still=lambda arn: runs_still(arn, states=_states()),
            fresh=event.get("fresh", False),
        )
        answer: dict[str, Any] = encoded(found)
        logger.info("found", extra=answer)
    return answer


@cache
def _codes() -> Mapping[str, Mapping[str, str]]:
    codes: Mapping[str, Mapping[str, str]] = json.loads(CODES_FILE.read_text(encoding="utf-8"))
    return codes


@cache
def _states() -> SFNClient:
    return boto3.client("stepfunctions")
