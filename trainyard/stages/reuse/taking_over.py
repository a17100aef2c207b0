"""Copies what a stage of another run made into this run, if that is still exactly what it was; in a Lambda."""

from __future__ import annotations

from collections.abc import Mapping

from boto3.s3.transfer import TransferConfig, create_transfer_manager

from trainyard.errors import TrainyardError
from trainyard.run.stage import Stage
from trainyard.run.stage_record import StageRecord
from trainyard.run.store import RunStore

# One request copies up to 5 GB; in parts of this size several at a time are quicker.
PART_BYTES = 256 << 20


class NoLongerThere(TrainyardError):
    """A stage that was made once and is not what its record says any more."""


def objects(store: RunStore, stage: Stage) -> Mapping[str, str]:
    """The files of a stage by their names, with their entity tags, which change with every byte of an object."""
    start = store.run.key(stage, "")
    pages = store.client.get_paginator("list_objects_v2").paginate(Bucket=store.run.artifacts_bucket, Prefix=start)
    found = {
        each["Key"].removeprefix(start): each["ETag"].strip('"') for page in pages for each in page.get("Contents", ())
    }
    found.pop(StageRecord.FILE, None)
    return found


def take_over(store: RunStore, record: StageRecord, *, earlier: RunStore) -> None:
    """Copy the files of a stage from an earlier run, inside S3; each is copied only as the record has it.

    Raises NoLongerThere, mostly before anything is copied, where one is gone, was changed or was added. Of a stage that
    could not be copied nothing stays: half of it would be read together with what comes into its place.
    """
    where = f"{record.stage} of run {earlier.run.run_id}"
    if objects(earlier, record.stage) != record.objects:
        raise NoLongerThere(f"{where} was removed or changed since it was made")
    # What an attempt left that was ended on its way.
    store.clear(record.stage)
    try:
        _copy(store, record, earlier=earlier)
    except Exception as error:
        store.clear(record.stage)
        # Of a copy in parts it depends on the version of boto3 with which error it says so.
        if objects(earlier, record.stage) == record.objects:
            raise
        raise NoLongerThere(f"{where} changed while it was copied") from error


def _copy(store: RunStore, record: StageRecord, *, earlier: RunStore) -> None:
    """Several at a time, and large ones in parts."""
    bucket = store.run.artifacts_bucket
    parts = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES)
    with create_transfer_manager(store.client, parts) as manager:
        copies = [
            manager.copy(
                {"Bucket": bucket, "Key": earlier.run.key(record.stage, name)},
                bucket,
                store.run.key(record.stage, name),
                extra_args={"CopySourceIfMatch": f'"{tag}"'},
            )
            for name, tag in record.objects.items()
        ]
        for each in copies:
            each.result()
