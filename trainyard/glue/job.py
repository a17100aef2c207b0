"""How every job in Glue begins and fails: its arguments parsed, its run opened, its failure left as a document."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from trainyard.contract.lean.imports import rarely_collected
from trainyard.contract.quoting import cells_shown
from trainyard.errors import JobFailed
from trainyard.glue.arguments import Arguments, pairs, parse
from trainyard.glue.secrets import SecretReader, secret_reader
from trainyard.run.failure import JobFailure, key_of
from trainyard.run.store import RunStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job that is running: what it was told, its run, and what reads its database secret."""

    arguments: Arguments
    store: RunStore
    read_secret: SecretReader


@contextmanager
def opened(argv: Sequence[str], s3: Any) -> Iterator[Job]:
    """The job that `argv` (without the script's name) describes, reached by a boto3 client of S3, for a `with` block.

    Raises ConfigError for wrong arguments, NotFound when there is no such run, and whatever the block raises: Glue
    takes the reason of a failed run from the exception. What it was lies in the run's folder then, see `JobFailure`.
    """
    known, held = _Secrets(), ExitStack()
    held.enter_context(rarely_collected())
    try:
        arguments = parse(argv)
        store = RunStore.open(s3, arguments.run_uri)
        held.enter_context(cells_shown(store.run.show_cells))
        yield Job(arguments=arguments, store=store, read_secret=known.remembering(secret_reader(arguments, store.run)))
    except Exception as error:
        given = pairs(argv)
        failure = JobFailure.of(error, job_run=given.get("JOB_RUN_ID", ""), secrets=known.texts)
        _leave(failure, given.get("RUN_URI", ""), s3=s3)
        if not failure.hides:
            raise
        # Glue shows the exception that a script ends with, and every one that it is chained to.
        print(failure.traceback, file=sys.stderr, flush=True)
        raise JobFailed(failure.reason) from None
    finally:
        held.close()


@dataclass
class _Secrets:
    """What secrets the job has read by now."""

    texts: list[str] = field(default_factory=list)

    def remembering(self, read: SecretReader) -> SecretReader:
        def remembered() -> str:
            self.texts.append(read())
            return self.texts[-1]

        return remembered


def _leave(failure: JobFailure, run_uri: str, *, s3: Any) -> None:
    """Write the document; whatever prevents that must not hide the failure itself."""
    bucket, _, prefix = run_uri.removeprefix("s3://").strip("/").partition("/")
    if not (failure.job_run and bucket and prefix):
        return
    key = key_of(prefix, failure.job_run)
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=failure.to_json().encode(), ContentType="application/json")
    except (BotoCoreError, ClientError) as error:
        logger.warning("The reason of this failure could not be left at s3://%s/%s: %s", bucket, key, error)
