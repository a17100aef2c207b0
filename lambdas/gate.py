"""Lambda: decides from a run's evaluation whether its model may be registered, and keeps the decision with the run."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger

from lambdas import environment
from trainyard import gate, recipe
from trainyard.errors import JobFailed
from trainyard.stages import Stage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = Logger(service="gate")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """`{"run": {"recipe", "run_id"}, "champion": {"run_id"} or {}}` -> decision of trainyard.gate, also kept in S3."""
    name, run_id = event["run"]["recipe"], event["run"]["run_id"]
    request = _read(f"{name}/{run_id}/{Stage.RESOLVE}/request.json")
    evaluation = _read(f"{name}/{run_id}/{Stage.EVALUATE}/evaluation.json")
    compared = (evaluation.get("champion") or {}).get("run_id")
    if compared != event["champion"].get("run_id"):
        raise JobFailed(
            f"Expected an evaluation against champion {event['champion'].get('run_id')}, found one against {compared}."
        )
    decision = gate.decide(evaluation, recipe.config(name, request["config"]).gate)
    _s3().put_object(
        Bucket=environment.read().artifacts_bucket,
        Key=f"{name}/{run_id}/{Stage.GATE}/decision.json",
        Body=json.dumps(decision, indent=2).encode(),
        ContentType="application/json",
    )
    logger.info("decided", extra={"recipe": name, "run_id": run_id, "summary": decision["summary"]})
    return decision


def _read(key: str) -> Any:
    return json.loads(_s3().get_object(Bucket=environment.read().artifacts_bucket, Key=key)["Body"].read())


@cache
def _s3() -> S3Client:
    return boto3.client("s3")
