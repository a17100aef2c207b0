"""The function that takes stages over and records them, with a list of code in place of the deployed one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from lambdas import reuse
from tests.lambdas.conftest import ARTIFACTS, LEDGER
from trainyard.contract.config import to_mapping
from trainyard.run import recipe
from trainyard.run.reuse import Reuse
from trainyard.run.run import InputFile, Run
from trainyard.run.settings.read import SettingsRead
from trainyard.run.stage import Stage
from trainyard.run.stage_record import REUSABLE
from trainyard.run.store import RunStore

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:machine"


@pytest.fixture
def deployed(aws: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    codes = tmp_path / "stage_code.json"
    codes.write_text(json.dumps({"prod2vec": {str(each): "1" for each in REUSABLE}}))
    monkeypatch.setattr(reuse, "CODES_FILE", codes)
    caches = (reuse._codes, reuse._states)
    for each in caches:
        each.cache_clear()
    yield aws
    for each in caches:
        each.cache_clear()


def resolved(s3: Any, number: int, *, arn: str = "") -> RunStore:
    """A run that Resolve has written."""
    run = Run(
        recipe="prod2vec",
        run_id=f"20260101-000000-{number:08d}",
        dataset="mine",
        execution_arn=arn or f"arn:aws:states:us-east-1:123456789012:execution:machine:e{number}",
        raw_bucket="raw",
        artifacts_bucket=ARTIFACTS,
        fingerprint="f",
        code_version="c",
        files=(InputFile(source="products", key="raw/prod2vec/mine/products.csv", version_id="v1", size=1),),
        config=json.loads(json.dumps(to_mapping(recipe.config("prod2vec")))),
    )
    store = RunStore(s3, run)
    store.write_document(Stage.RESOLVE, run)
    return store


def asked(store: RunStore, **more: Any) -> dict[str, Any]:
    answer = reuse.handler({"run": {"recipe": "prod2vec", "run_id": store.run.run_id}, **more}, None)
    return json.loads(json.dumps(answer))


def test_a_stage_is_found_once_it_is_recorded(deployed: Any) -> None:
    first, second = resolved(deployed, 1), resolved(deployed, 2)
    found = asked(first, fresh=False)
    assert (found["start"], found["reused"], found["waits_for"]) == ("ingest", {}, "")
    assert first.read_document(Stage.RESOLVE, Reuse).start is Stage.INGEST
    for stage in REUSABLE:
        first.write_text(stage, "part.parquet", text=stage)
        first.write_document(stage, SettingsRead(paths=("data.window",)))
        assert asked(first, stage=stage) == {"recorded": True}
    found = asked(second)
    assert (found["start"], set(found["reused"].values())) == ("train", {first.run.run_id})
    assert asked(resolved(deployed, 3), fresh=True)["start"] == "ingest"


def test_what_cannot_be_reused_is_not_recorded(deployed: Any) -> None:
    store = resolved(deployed, 1)
    assert asked(store, stage="prepare") == {"recorded": False}


def test_who_runs_no_more_is_not_waited_for(deployed: Any) -> None:
    """Step Functions is asked for the execution that reserved the stage."""
    states = boto3.client("stepfunctions")
    definition = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
    role = "arn:aws:iam::123456789012:role/machine"
    machine = states.create_state_machine(name="machine", definition=json.dumps(definition), roleArn=role)
    arn = states.start_execution(stateMachineArn=machine["stateMachineArn"], name="e1")["executionArn"]
    first, second = resolved(deployed, 1, arn=arn), resolved(deployed, 2)
    asked(first)
    assert asked(second)["waits_for"] == arn
    states.stop_execution(executionArn=arn)
    assert asked(second)["waits_for"] == ""
    assert asked(resolved(deployed, 3))["waits_for"] == ""
    items = boto3.client("dynamodb").scan(TableName=LEDGER)["Items"]
    assert all(each["id"]["S"].startswith("stage/") and "expires" in each for each in items)
