"""Runs of a recipe whose stages before training run, really or pretended, on S3 and a ledger in memory."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws

from glue_jobs import ingest, prepare
from trainyard.contract.config import to_mapping
from trainyard.run import recipe
from trainyard.run.reuse import Reuse
from trainyard.run.run import InputFile, Run
from trainyard.run.settings.read import SettingsRead
from trainyard.run.stage import Stage
from trainyard.run.stage_record import REUSABLE
from trainyard.run.store import RunStore
from trainyard.stages.process import process
from trainyard.stages.reuse.find import find
from trainyard.stages.reuse.record import record
from trainyard.stages.reuse.stage_ledger import StageLedger

CODES = {"ingest": "1", "prepare": "1", "process": "1"}
# What stages that are only pretended read.
READS = {
    Stage.INGEST: ("data.max_bad_share", "files"),
    Stage.PREPARE: ("data.holdout_fraction",),
    Stage.PROCESS: ("data.subsampling_threshold",),
}


@dataclass
class World:
    """Two buckets, a ledger, and the uploaded files of a data set; its stages run where they are `real`."""

    recipe: str
    real: bool
    s3: Any
    ledger: StageLedger
    files: tuple[InputFile, ...] = ()
    codes: dict[str, str] = field(default_factory=lambda: dict(CODES))
    running: set[str] = field(default_factory=set)
    count: int = 0

    def upload(self, path: Path) -> None:
        """Put a file into the data set, in place of one of its name."""
        key = f"raw/{self.recipe}/mine/{path.name}"
        version = self.s3.put_object(Bucket="raw", Key=key, Body=path.read_bytes())["VersionId"]
        config = recipe.config(self.recipe)
        source = next((each.name for each in recipe.sources(self.recipe, config) if each.accepts(path.name)), "")
        file = InputFile(source=source, key=key, version_id=version, size=path.stat().st_size)
        self.files = (*(each for each in self.files if each.key != key), file)

    def run(self, settings: Mapping[str, Any] | None = None) -> RunStore:
        """A run as Resolve writes it."""
        self.count += 1
        run = Run(
            recipe=self.recipe,
            run_id=f"20260101-000000-{self.count:08x}",
            dataset="mine",
            execution_arn=f"arn:aws:states:us-east-1:111122223333:execution:machine:{self.count}",
            raw_bucket="raw",
            artifacts_bucket="artifacts",
            fingerprint="f",
            code_version="c",
            files=self.files,
            config=json.loads(json.dumps(to_mapping(recipe.config(self.recipe, settings or {})))),
        )
        store = RunStore(self.s3, run)
        store.write_document(Stage.RESOLVE, run)
        return store

    def find(self, store: RunStore, *, fresh: bool = False) -> Reuse:
        return find(
            store, codes=self.codes, ledger=self.ledger, runs_still=lambda arn: arn in self.running, fresh=fresh
        )

    def compute(self, store: RunStore, stage: Stage) -> None:
        """Run the stage itself, and record it."""
        uri = f"s3://artifacts/{store.run.prefix}"
        if not self.real:
            store.write_text(stage, "table/part-0.parquet", text=f"{stage} {READS[stage]}")
            store.write_document(stage, SettingsRead(paths=READS[stage]))
        elif stage is Stage.PROCESS:
            _process(store)
        else:
            job = {Stage.INGEST: ingest, Stage.PREPARE: prepare}[stage]
            job.main(["--JOB_NAME", "job", "--RUN_URI", uri, "--ENGINE", "duckdb"])
        record(store, stage, codes=self.codes, ledger=self.ledger)

    def finish(self, store: RunStore, *, fresh: bool = False) -> Reuse:
        """Everything up to training: what is there is taken over, the rest computed."""
        found = self.find(store, fresh=fresh)
        for stage in REUSABLE[len(found.reused) :]:
            self.compute(store, stage)
        return found

    def content(self, store: RunStore, stage: Stage) -> dict[str, bytes]:
        """The files of a stage by their names; what only tells where it came from is left out."""
        start = store.run.key(stage, "")
        listed = self.s3.list_objects_v2(Bucket="artifacts", Prefix=start).get("Contents", [])
        names = [each["Key"].removeprefix(start) for each in listed]
        return {
            name: self.s3.get_object(Bucket="artifacts", Key=start + name)["Body"].read()
            for name in names
            if name != "stage_record.json"
        }


def _process(store: RunStore) -> None:
    """What SageMaker does around a processing job."""
    with tempfile.TemporaryDirectory() as folder:
        given, output = Path(folder) / "in", Path(folder) / "out"
        output.mkdir()
        store.download_tables(Stage.PREPARE, given)
        process(store.run, given, output=output)
        for path in sorted(each for each in output.rglob("*") if each.is_file()):
            store.upload_file(Stage.PROCESS, path.relative_to(output).as_posix(), path=path)


@contextmanager
def world(name: str, data: Path, *, real: bool) -> Iterator[World]:
    """An empty world with the files in `data` uploaded."""
    with mock_aws():
        s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
        for bucket in ("raw", "artifacts"):
            s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket="raw", VersioningConfiguration={"Status": "Enabled"})
        dynamodb.create_table(
            TableName="ledger",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        made = World(recipe=name, real=real, s3=s3, ledger=StageLedger(table="ledger", dynamodb=dynamodb))
        for path in sorted(data.iterdir()):
            made.upload(path)
        yield made


def with_other_code(made: World, stage: str) -> None:
    """As after a deployment that changed a stage's code."""
    made.codes = {**made.codes, stage: made.codes[stage] + "'"}


def request(store: RunStore, **changes: Any) -> RunStore:
    """The same run with other contents of its request."""
    changed = replace(store.run, **changes)
    other = RunStore(store.client, changed)
    other.write_document(Stage.RESOLVE, changed)
    return other
