"""What a job reads and writes of its run in S3: the request, uploaded versions, documents and Parquet of stages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from trainyard.errors import JobFailed, NotFound
from trainyard.run.document import Document
from trainyard.run.run import InputFile, Run
from trainyard.run.stage import Stage

DocumentT = TypeVar("DocumentT", bound=Document)
MISSING = {"404", "NoSuchKey", "NoSuchVersion"}
DELETE_BATCH = 1000


@dataclass(frozen=True)
class RunStore:
    """A run and the S3 client (boto3) that reaches its objects.

    Files are streamed to and from disk: boto3's transfers do that by exact version, where awswrangler's download holds
    the whole object in memory.
    """

    client: Any
    run: Run

    @classmethod
    def open(cls, client: Any, run_uri: str) -> RunStore:
        """The run at `s3://<bucket>/<recipe>/<run id>`; raises NotFound when Resolve left no request there."""
        bucket, _, prefix = run_uri.removeprefix("s3://").partition("/")
        key = f"{prefix}/{Stage.RESOLVE}/{Run.FILE}"
        with _existing(f"s3://{bucket}/{key}", "Start the run through its state machine, whose first state writes it."):
            text = client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
        return cls(client, Run.from_json(text))

    def of_run(self, run_id: str) -> RunStore:
        """The documents of another run of the same recipe."""
        return RunStore(self.client, replace(self.run, run_id=run_id))

    def request(self) -> Run:
        """The run as Resolve wrote it, such as that of `of_run`; raises NotFound."""
        return self.read_document(Stage.RESOLVE, Run)

    def download_input(self, file: InputFile, path: Path) -> None:
        """The very object version that Resolve saw, even if the file was uploaded again since."""
        # Here, for commands that reach no S3 import this module too.
        from boto3.s3.transfer import TransferConfig

        # Not every S3 there is honours a byte range of an older version: some answer each range with the whole object.
        one_stream = TransferConfig(multipart_threshold=2**63 - 1)
        where = f"s3://{self.run.raw_bucket}/{file.key}, version {file.version_id}"
        version = {"VersionId": file.version_id} if file.version_id not in ("", "null") else {}
        with _existing(where, "Upload the file again; that starts another run."):
            self.client.download_file(self.run.raw_bucket, file.key, str(path), ExtraArgs=version, Config=one_stream)
        if path.stat().st_size != file.size:
            raise JobFailed(
                f"Expected {file.size:,} bytes of {where}, found {path.stat().st_size:,} after the download. "
                "Redrive the execution."
            )

    def download_tables(self, stage: Stage, folder: Path) -> dict[str, list[str]]:
        """The Parquet files a stage wrote, downloaded: local paths by table."""
        tables = self.tables(stage)
        for table, uris in tables.items():
            (folder / table).mkdir(parents=True, exist_ok=True)
            for index, uri in enumerate(uris):
                path = folder / table / Path(uri).name
                self.client.download_file(self.run.artifacts_bucket, self._key(uri), str(path))
                uris[index] = str(path)
        return tables

    def tables(self, stage: Stage) -> dict[str, list[str]]:
        """URIs of the Parquet files a stage wrote, by table, in the order of their names."""
        tables: dict[str, list[str]] = {}
        for key in self._keys(stage):
            table, _, name = key.removeprefix(self.run.key(stage, "")).partition("/")
            if name.endswith(".parquet"):
                tables.setdefault(table, []).append(f"s3://{self.run.artifacts_bucket}/{key}")
        return tables

    def upload_table(self, stage: Stage, table: str, *, folder: Path) -> None:
        """Upload the Parquet files in a local folder as a table of a stage."""
        for path in sorted(folder.glob("*.parquet")):
            self.client.upload_file(str(path), self.run.artifacts_bucket, self.run.key(stage, table, path.name))

    def upload_file(self, stage: Stage, name: str, *, path: Path) -> None:
        """Upload a local file as one of a stage's."""
        self.client.upload_file(str(path), self.run.artifacts_bucket, self.run.key(stage, name))

    def write_text(self, stage: Stage, name: str, *, text: str) -> None:
        """Write a JSON document of a stage; a stage writes its document last, which says that the rest is complete."""
        body, key = text.encode(), self.run.key(stage, name)
        self.client.put_object(Bucket=self.run.artifacts_bucket, Key=key, Body=body, ContentType="application/json")

    def read_text(self, stage: Stage, name: str) -> str:
        """Read a document that an earlier stage wrote; raises NotFound."""
        with _existing(self.run.uri(stage, name), f"The stage {stage} must have finished first."):
            answer = self.client.get_object(Bucket=self.run.artifacts_bucket, Key=self.run.key(stage, name))
            return str(answer["Body"].read().decode())

    def write_document(self, stage: Stage, document: Document) -> None:
        """Write the document of a stage under its own name."""
        self.write_text(stage, document.FILE, text=document.to_json())

    def read_document(self, stage: Stage, kind: type[DocumentT]) -> DocumentT:
        """Read the document of an earlier stage; raises NotFound, and JobFailed for one that cannot be read."""
        return kind.from_json(self.read_text(stage, kind.FILE))

    def download_artifact(self, uri: str, path: Path) -> None:
        """Download one object of this run, such as the archive of its model; raises NotFound."""
        with _existing(uri, "The stage that writes it must have finished first."):
            self.client.download_file(self.run.artifacts_bucket, self._key(uri), str(path))

    def written_at(self, stage: Stage, name: str) -> datetime:
        """When a stage wrote its document, in UTC without a zone, as databases keep moments."""
        found = self.client.head_object(Bucket=self.run.artifacts_bucket, Key=self.run.key(stage, name))
        moment: datetime = found["LastModified"]
        return moment.astimezone(UTC).replace(tzinfo=None)

    def clear(self, stage: Stage) -> None:
        """Remove what an earlier attempt of a stage left, its document first: half a stage must never look whole."""
        keys = sorted(self._keys(stage), key=lambda key: key.endswith(".parquet"))
        for start in range(0, len(keys), DELETE_BATCH):
            batch = [{"Key": key} for key in keys[start : start + DELETE_BATCH]]
            self.client.delete_objects(Bucket=self.run.artifacts_bucket, Delete={"Objects": batch, "Quiet": True})

    def _keys(self, stage: Stage) -> Iterator[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.run.artifacts_bucket, Prefix=self.run.key(stage, "")
        )
        for page in pages:
            yield from (each["Key"] for each in page.get("Contents", ()))

    def _key(self, uri: str) -> str:
        return uri.removeprefix(f"s3://{self.run.artifacts_bucket}/")


@contextmanager
def _existing(what: str, advice: str) -> Iterator[None]:
    """Turns S3's answer to a missing object into NotFound; others, such as a refused permission, stay as they are."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in MISSING:
            raise
        raise NotFound(f"Expected {what}; there is no such object. {advice}") from error
