"""Makes a set of object versions one execution's own: the run that works on it, and the claim in the ledger."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from trainyard.errors import NothingToDo
from trainyard.run.environment import Environment
from trainyard.run.folders import OVERRIDES_FILE
from trainyard.run.ledger import expiry
from trainyard.run.naming import RUN_TIME, execution_mark
from trainyard.run.run import InputFile, Run
from trainyard.stages.resolve.request import Request
from trainyard.stages.resolve.uploads import StoredObject


def run_of(
    request: Request,
    files: Sequence[InputFile],
    *,
    objects: Sequence[StoredObject],
    config: Mapping[str, Any],
    execution: Mapping[str, str],
    environment: Environment,
) -> Run:
    """The run of an execution (`arn`, `started`) on some of the objects of a data set, with its complete settings."""
    return Run(
        recipe=request.recipe,
        run_id=run_id(execution["arn"], execution["started"]),
        dataset=request.dataset,
        execution_arn=execution["arn"],
        raw_bucket=environment.raw_bucket,
        artifacts_bucket=environment.artifacts_bucket,
        fingerprint=fingerprint(_versions(files, objects), salt="" if request.upload is not None else execution["arn"]),
        code_version=environment.code_version,
        files=tuple(files),
        config=config,
        overrides=request.overrides,
        task=request.task,
        show_cells=environment.policy.show_cells,
    )


def _versions(files: Sequence[InputFile], objects: Sequence[StoredObject]) -> list[StoredObject]:
    """What a run works on: the files that were chosen, and the settings beside them."""
    chosen = {each.key for each in files}
    return [each for each in objects if each.key in chosen or each.name == OVERRIDES_FILE]


def claim_from_uploads(run: Run, objects: Sequence[StoredObject], *, ledger_table: str, dynamodb: Any) -> None:
    """Claim for a start by hand what an upload may be waiting to work on: its execution begins nothing then.

    Whoever worked on these versions before keeps the claim.
    """
    versions = _versions(run.files, objects)
    with contextlib.suppress(NothingToDo):
        claimed(replace(run, fingerprint=fingerprint(versions)), ledger_table, dynamodb=dynamodb)


def claimed(run: Run, ledger_table: str, *, dynamodb: Any) -> Run:
    """The run, when the object versions are its execution's own now. Raises NothingToDo when another one holds them.

    Events arrive at least once and several at a time; one conditional write decides. The own execution passes again,
    so that a retried or redriven Resolve goes on.
    """
    claim(
        f"{run.recipe}/{run.fingerprint}",
        run,
        execution_arn=run.execution_arn,
        ledger_table=ledger_table,
        dynamodb=dynamodb,
        doing="on these object versions",
    )
    return run


def claim(name: str, run: Run, *, execution_arn: str, ledger_table: str, dynamodb: Any, doing: str) -> None:
    """Make something an execution's own. Raises NothingToDo when another one has it, and is at work `doing`."""
    key = {"S": f"claim/{name}"}
    try:
        dynamodb.put_item(
            TableName=ledger_table,
            Item={
                "id": key,
                "execution_arn": {"S": execution_arn},
                "run_id": {"S": run.run_id},
                "dataset": {"S": run.dataset},
                **expiry(),
            },
            ConditionExpression="attribute_not_exists(id) OR execution_arn = :own",
            ExpressionAttributeValues={":own": {"S": execution_arn}},
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        holder = dynamodb.get_item(TableName=ledger_table, Key={"id": key}, ConsistentRead=True)["Item"]
        reason = f"execution {holder['execution_arn']['S']} already works {doing}"
        raise NothingToDo(reason, recipe=run.recipe, dataset=run.dataset) from None


def fingerprint(objects: Iterable[StoredObject | InputFile], *, salt: str = "") -> str:
    """Identity of a set of object versions. A manual start adds its execution as salt, so that it always trains."""
    lines = sorted(f"{quote(each.key)}@{each.version_id}" for each in objects)
    return hashlib.sha256("\n".join([*lines, salt]).encode()).hexdigest()


def run_id(execution_arn: str, started: str) -> str:
    """`YYYYMMDD-HHMMSS-xxxxxxxx`: sorts by time, and its last part is a hash of the execution."""
    moment = datetime.fromisoformat(started.replace("Z", "+00:00"))
    return f"{moment:{RUN_TIME}}-{execution_mark(execution_arn)}"
