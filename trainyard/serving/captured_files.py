"""Files of kept requests: Parquet with the columns of the catalogue's table, put into S3; runs in the service."""

from __future__ import annotations

import dataclasses
import io
import os
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import boto3
import orjson
import pyarrow.parquet as pq
from botocore.config import Config

from trainyard.contract.lean.arrow import pa
from trainyard.run.watch.capture import COLUMNS, without
from trainyard.serving.exchange import Exchange

TYPES = {"string": pa.string(), "int": pa.int32(), "double": pa.float64(), "timestamp": pa.timestamp("ms")}
SCHEMA = pa.schema([(each.name, TYPES[each.type]) for each in COLUMNS])
ROWS_AT_ONCE = 16
TIMEOUTS = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4})


def encoded(exchanges: Sequence[Exchange], *, run_id: str, never_kept: frozenset[str]) -> bytes:
    """A Parquet file with a row for each row of these requests, without the fields that are never kept."""
    columns = zip(*(row for each in exchanges for row in _rows(each, run_id, never_kept=never_kept)), strict=True)
    arrays = [pa.array(cells, each.type) for cells, each in zip(columns, SCHEMA, strict=True)]
    file = io.BytesIO()
    pq.write_table(pa.table(arrays, schema=SCHEMA), file, compression="zstd")
    return file.getvalue()


def _rows(exchange: Exchange, run_id: str, *, never_kept: frozenset[str]) -> Iterator[tuple[Any, ...]]:
    """The cells of each row, in the order of the columns."""
    moment = datetime.fromtimestamp(exchange.time, UTC).replace(tzinfo=None)
    for place, (row, answer) in enumerate(zip(exchange.rows, exchange.answers, strict=True)):
        if place % ROWS_AT_ONCE == 0:
            # Gives way to whoever is being answered, who would wait 5 ms for a thread that only computes.
            time.sleep(0)
        yield (
            *(exchange.event_id, exchange.inference_id, place, moment, run_id, exchange.route),
            *(_json(row, never_kept), _json(answer, never_kept), round(exchange.latency_s * 1000, 3)),
        )


def _json(value: Any, never_kept: frozenset[str]) -> str:
    if not never_kept:
        return orjson.dumps(value).decode()

    def fields(found: Any) -> Any:
        # orjson writes a data class as an object, whose fields have names too.
        return without({each.name: getattr(found, each.name) for each in dataclasses.fields(found)}, never_kept)

    return orjson.dumps(without(value, never_kept), fields, orjson.OPT_PASSTHROUGH_DATACLASS).decode()


def writer() -> Callable[[str, bytes], None]:
    """What puts a file at a URI of S3, with the credentials of the service."""
    # SageMaker tells a container its region in a variable that boto3 does not read.
    s3 = boto3.client("s3", region_name=os.environ.get("AWS_REGION"), config=TIMEOUTS)

    def put(uri: str, content: bytes) -> None:
        where = urlsplit(uri)
        s3.put_object(Bucket=where.netloc, Key=where.path.lstrip("/"), Body=content)

    return put
