"""Asks a version that is not in service yet what its endpoint was asked lately, and how much it answers otherwise.

Runs in a Lambda. The records of what an endpoint kept are read by Athena, for they are Parquet.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from trainyard.errors import JobFailed, TrainyardError
from trainyard.run.document import decoded
from trainyard.run.folders import QUERIES_PREFIX
from trainyard.run.watch import capture
from trainyard.stages.deploy.difference import changed
from trainyard.stages.deploy.smoke_test import MAX_SENTENCE, Verdict

DAYS = 7
# Rows of one request to the version; it answers them together.
ROWS_AT_A_TIME = 50
# One request of one caller is not what all of them ask: of its rows at most this part of all that are compared.
MOST_OF_A_REQUEST = 0.1
SHOWN = 3
POLL_SECONDS, MOST_SECONDS = 0.5, 180.0
RUNNING = ("QUEUED", "RUNNING")
NOTHING = (
    f"Nothing was compared: of the last {DAYS} days the endpoint kept no requests, or the newest were answered by this "
    "version itself."
)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What is asked for: of the newest `rows` kept of a model, at most the share `most_changed` may be answered anew.

    `tolerance` is that of numbers (`difference.changed`); fields that are `never_kept` are not looked at.
    """

    recipe: str
    model: str
    rows: int
    most_changed: float
    tolerance: float
    never_kept: tuple[str, ...] = ()

    @classmethod
    def from_mapping(cls, document: Any) -> Comparison:
        """As it stands in the plan of an execution. Raises JobFailed for another document."""
        return decoded(cls, document)


class Kept(NamedTuple):
    """A row that an endpoint was asked, and what it answered; `event_id` and `row` say which one."""

    event_id: str
    row: int
    request: Any
    answer: Any


# Body in, body out; raises TrainyardError where the version refuses.
Invoke = Callable[[bytes], bytes]


def kept_rows(wanted: Comparison, *, run_id: str, database: str, bucket: str, athena: Any) -> list[Kept]:
    """The newest rows of some days that the version in service answered: the one whose answers are the newest.

    None where that is the version of this run. Of one request there are a few rows only. Raises JobFailed in the words
    of Athena.
    """
    first = datetime.now(UTC).date() - timedelta(days=DAYS)
    # Names of models have letters, digits, dashes and underscores only.
    lately = f"recipe = '{wanted.recipe}' AND model = '{wanted.model}' AND date >= '{first}'"
    most = max(1, math.ceil(wanted.rows * MOST_OF_A_REQUEST))
    sql = (
        f'WITH lately AS (SELECT run, time, event_id, "row", request, answer FROM {capture.PREFIX} WHERE {lately}), '  # noqa: S608
        'placed AS (SELECT *, row_number() OVER (PARTITION BY event_id ORDER BY "row") AS place FROM lately '
        f"WHERE run = (SELECT max_by(run, time) FROM lately) AND run <> '{run_id}') "
        f'SELECT event_id, "row", request, answer FROM placed WHERE place <= {most} '
        f'ORDER BY time DESC, event_id, "row" LIMIT {wanted.rows}'
    )
    started = athena.start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": database},
        ResultConfiguration={"OutputLocation": f"s3://{bucket}/{QUERIES_PREFIX}/"},
    )
    query = started["QueryExecutionId"]
    _await(query, athena=athena)
    # The first row has the names of the columns.
    found = athena.get_query_results(QueryExecutionId=query, MaxResults=wanted.rows + 1)["ResultSet"]["Rows"][1:]
    return [_kept([cell["VarCharValue"] for cell in row["Data"]]) for row in found]


def _kept(cells: Sequence[str]) -> Kept:
    event_id, row, request, answer = cells
    return Kept(event_id=event_id, row=int(row), request=json.loads(request), answer=json.loads(answer))


def _await(query: str, *, athena: Any) -> None:
    deadline = time.monotonic() + MOST_SECONDS
    while time.monotonic() < deadline:
        status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        if status["State"] == "SUCCEEDED":
            return
        if status["State"] not in RUNNING:
            raise JobFailed(f"Expected kept requests, found that Athena could not: {status.get('StateChangeReason')}")
        time.sleep(POLL_SECONDS)
    raise JobFailed(f"Expected kept requests within {MOST_SECONDS:.0f} s, found Athena still looking for them.")


def compare(rows: Sequence[Kept], wanted: Comparison, *, invoke: Invoke) -> Verdict:
    """Ask the version all rows; what it answers otherwise must be at most what is allowed.

    The sentences name rows and quote none: messages and histories stay where kept rows are forgotten.
    """
    if not rows:
        return Verdict(passed=True, problems=(), requests=0, compared=NOTHING)
    never = frozenset(capture.plain(each) for each in wanted.never_kept)
    answers = [capture.without(each, never) for each in _answers(rows, invoke)]
    shares = [
        1.0 if isinstance(now, TrainyardError) else changed(row.answer, now, tolerance=wanted.tolerance)
        for row, now in zip(rows, answers, strict=True)
    ]
    share = sum(shares) / len(shares)
    passed = share <= wanted.most_changed
    return Verdict(
        passed=passed,
        problems=() if passed else tuple(_sentences(rows, answers, shares=shares, wanted=wanted)),
        requests=len(rows),
        changed=round(share, 4),
        compared=(
            f"Compared with the version before by {len(rows)} rows that the endpoint was asked lately: {share:.1%} of "
            f"what the answers say has changed, at most {wanted.most_changed:.1%} may."
        ),
    )


def _answers(rows: Sequence[Kept], invoke: Invoke) -> Iterator[Any]:
    """What the version says of each row: its answer, or the error with which it refuses the row."""
    for start in range(0, len(rows), ROWS_AT_A_TIME):
        part = rows[start : start + ROWS_AT_A_TIME]
        try:
            yield from _asked(part, invoke)
        except TrainyardError:
            # One row that is refused refuses all that come with it.
            yield from (_alone(each, invoke) for each in part)


def _alone(row: Kept, invoke: Invoke) -> Any:
    try:
        return _asked([row], invoke)[0]
    except TrainyardError as error:
        return error


def _asked(rows: Sequence[Kept], invoke: Invoke) -> list[Any]:
    body = json.dumps({"instances": [each.request for each in rows]}).encode()
    answers: list[Any] = json.loads(invoke(body))["predictions"]
    if len(answers) != len(rows):
        raise JobFailed(f"Expected {len(rows)} predictions, found {len(answers)}.")
    return answers


def _sentences(
    rows: Sequence[Kept], answers: Sequence[Any], *, shares: Sequence[float], wanted: Comparison
) -> Iterator[str]:
    share, count = sum(shares) / len(shares), sum(each > 0 for each in shares)
    yield (
        f"It answers {count} of the {len(rows)} newest rows that the endpoint was asked otherwise than the version "
        f"before: {share:.1%} of what the answers say has changed, at most {wanted.most_changed:.1%} may "
        "(deploy.compare.most_changed)."
    )
    worst = sorted(range(len(rows)), key=lambda place: -shares[place])[:SHOWN]
    for place in worst:
        refused = isinstance(answers[place], TrainyardError)
        said = "it is refused" if refused else f"{shares[place]:.0%} of the answer has changed"
        yield f"Row {rows[place].row} of the request kept with event_id {rows[place].event_id}: {said}."[:MAX_SENTENCE]
