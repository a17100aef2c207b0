"""Lambda: turns an upload or a manual start into a plan that the state machine can follow."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools import Logger

from lambdas import environment
from trainyard import plan, recipe, resolve
from trainyard.config import RecipeConfig, to_mapping
from trainyard.errors import BadRequest, ConfigError
from trainyard.overrides import override
from trainyard.resolve import OVERRIDES_FILE, Request, StoredObject
from trainyard.run import REQUEST_FILE, InputFile, Run
from trainyard.stages import Stage

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

logger = Logger(service="resolve")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """`{"request": <input of the execution>, "execution": {"arn", "name", "started"}}` -> plan (trainyard.plan)."""
    try:
        outcome = _outcome(event["request"], event["execution"])
    except (BadRequest, ConfigError) as refusal:
        outcome = plan.stop_plan("refused", str(refusal))
    logger.info(
        "resolved", extra={key: outcome.get(key) for key in ("outcome", "reason", "recipe", "dataset", "run_id")}
    )
    return outcome


def _outcome(given: Mapping[str, Any], execution: Mapping[str, str]) -> dict[str, Any]:
    if folder := resolve.made_folder(given):
        return plan.stop_plan("nothing", f"{folder} is only a folder; a run starts with the files uploaded into it")
    return _plan(resolve.parse(given), execution)


def _plan(request: Request, execution: Mapping[str, str]) -> dict[str, Any]:
    objects = _latest_objects(request)
    config = _config(request, objects)
    sources = recipe.sources(request.recipe, config)
    resolve.check_upload(request, sources)
    files = resolve.match(objects, sources)
    if request.task == "score":
        resolve.check_scoring(request, config, resolve.missing(files, sources))
    elif request.task == "deploy":
        resolve.check_one_model(request, config)
    elif waiting := resolve.missing(files, sources):
        return _nothing(request, f"waiting for {', '.join(waiting)}")
    run = _run(request, execution, config, files, objects)
    if holder := _claimed_by_another(run):
        return _nothing(request, f"execution {holder} already works on these object versions")
    _s3().put_object(
        Bucket=run.artifacts_bucket,
        Key=run.key(Stage.RESOLVE, REQUEST_FILE),
        Body=run.to_json().encode(),
        ContentType="application/json",
    )
    if config.fans_out and run.task == "train":
        return plan.fan_out_plan(run)
    tags = {
        **environment.read().tags,
        "recipe": run.recipe,
        "dataset": run.dataset,
        "run": run.run_id,
        "execution": execution["name"],
    }
    return plan.train_plan(run, config, tags)


def _nothing(request: Request, reason: str) -> dict[str, Any]:
    return plan.stop_plan("nothing", reason, recipe=request.recipe, dataset=request.dataset)


def _latest_objects(request: Request) -> list[StoredObject]:
    pages = (
        _s3()
        .get_paginator("list_object_versions")
        .paginate(Bucket=environment.read().raw_bucket, Prefix=request.prefix)
    )
    return [
        StoredObject(key=each["Key"], version_id=each["VersionId"], size=each["Size"], etag=each["ETag"].strip('"'))
        for page in pages
        for each in page.get("Versions", [])
        if each["IsLatest"] and "/" not in each["Key"].removeprefix(request.prefix) and not each["Key"].endswith("/")
    ]


def _config(request: Request, objects: list[StoredObject]) -> RecipeConfig:
    """Recipe defaults, then the environment's machines, then run.json, then the overrides of a manual start."""
    config = recipe.config(request.recipe, {"jobs": environment.read().job_defaults})
    for each in objects:
        if each.filename == OVERRIDES_FILE:
            stored = _s3().get_object(Bucket=environment.read().raw_bucket, Key=each.key, VersionId=each.version_id)
            content = stored["Body"].read(resolve.MAX_OVERRIDES_BYTES + 1)
            config = override(config, resolve.parse_overrides(content, each.key))
    config = override(config, request.overrides)
    return override(config, {"score": {"enabled": True}}) if request.task == "score" else config


def _run(
    request: Request,
    execution: Mapping[str, str],
    config: RecipeConfig,
    files: tuple[InputFile, ...],
    objects: list[StoredObject],
) -> Run:
    chosen = {each.key for each in files}
    versions = [each for each in objects if each.key in chosen or each.filename == OVERRIDES_FILE]
    return Run(
        recipe=request.recipe,
        run_id=resolve.run_id(execution["arn"], execution["started"]),
        dataset=request.dataset,
        execution_arn=execution["arn"],
        raw_bucket=environment.read().raw_bucket,
        artifacts_bucket=environment.read().artifacts_bucket,
        fingerprint=resolve.fingerprint(versions, salt="" if request.upload is not None else execution["arn"]),
        code_version=environment.read().code_version,
        files=files,
        config=to_mapping(config),
        overrides=request.overrides,
        task=request.task,
    )


def _claimed_by_another(run: Run) -> str | None:
    """Claim the object versions for this execution, or name the execution that holds them.

    Events arrive at least once and several at a time; one conditional write decides. The own execution passes again,
    so that a retried or redriven Resolve goes on.
    """
    ledger = environment.read().ledger_table
    claim = {"S": f"claim/{run.recipe}/{run.fingerprint}"}
    try:
        _dynamodb().put_item(
            TableName=ledger,
            Item={
                "id": claim,
                "execution_arn": {"S": run.execution_arn},
                "run_id": {"S": run.run_id},
                "dataset": {"S": run.dataset},
            },
            ConditionExpression="attribute_not_exists(id) OR execution_arn = :own",
            ExpressionAttributeValues={":own": {"S": run.execution_arn}},
        )
    except _dynamodb().exceptions.ConditionalCheckFailedException:
        holder = _dynamodb().get_item(TableName=ledger, Key={"id": claim}, ConsistentRead=True)["Item"]
        return holder["execution_arn"]["S"]
    return None


@cache
def _s3() -> S3Client:
    return boto3.client("s3")


@cache
def _dynamodb() -> DynamoDBClient:
    return boto3.client("dynamodb")
