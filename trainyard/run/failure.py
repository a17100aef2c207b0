"""What a job that failed says about it: a document in the folder of its run, named after the run of the job.

SageMaker takes a job's own reason from a file in its container (`trainyard/run/container.py`); Glue has no such file.
The document is found by the id of the job's run alone, which no other attempt has: one of an earlier attempt is never
taken for the reason of a later one.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Self

from trainyard.contract.quoting import are_shown, printable
from trainyard.errors import TrainyardError
from trainyard.run.document import Document
from trainyard.run.redaction import redacted

FOLDER = "failures"
MAX_MESSAGE = 2_000
MAX_TRACEBACK = 12_000


@dataclass(frozen=True, kw_only=True)
class JobFailure(Document):
    """Why one run of a job failed: the exception's class, its sentence, and the end of its traceback.

    `hides` says that something was taken out of them, which nobody may be shown.
    """

    FILE: ClassVar[str] = f"{FOLDER}/<run of the job>.json"

    job_run: str
    error: str
    message: str
    traceback: str = ""
    hides: bool = False

    @property
    def reason(self) -> str:
        """The class and the sentence of the exception, as Python ends a traceback."""
        return f"{self.error}: {self.message}" if self.message else self.error

    @classmethod
    def of(cls, error: BaseException, *, job_run: str, secrets: Iterable[str] = ()) -> Self:
        """What an exception says, bounded, and without what the secrets say that the job has read.

        Where no cells are shown, what is not a sentence of our own says nothing: a library may quote any.
        """
        if not (are_shown() or isinstance(error, TrainyardError)):
            frames = "".join(traceback.format_tb(error.__traceback__))
            trace = frames[-MAX_TRACEBACK:]
            return cls(job_run=job_run, error=type(error).__name__, message="", traceback=trace, hides=True)
        known, trace = tuple(secrets), "".join(traceback.format_exception(error))
        shown = redacted(trace, known)
        return cls(
            job_run=job_run,
            error=type(error).__name__,
            message=_lines(redacted(str(error), known))[:MAX_MESSAGE],
            traceback=shown[-MAX_TRACEBACK:],
            hides=shown != trace,
        )


def _lines(text: str) -> str:
    """A text of several lines, in which nothing else moves a terminal's cursor."""
    return "\n".join(printable(each) for each in text.strip().splitlines())


def key_of(run_prefix: str, job_run: str) -> str:
    """Where a job's run leaves its failure in the bucket of artifacts.

    >>> key_of("prod2vec/20261121-020304-abcdef12", "jr_1")
    'prod2vec/20261121-020304-abcdef12/failures/jr_1.json'
    """
    return f"{run_prefix}/{FOLDER}/{job_run}.json"
