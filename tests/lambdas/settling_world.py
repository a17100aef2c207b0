"""Uploads and the executions that they start, on a clock moved by hand: S3, ledger and state machine in memory."""

from __future__ import annotations

import heapq
import io
import itertools
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from trainyard.run.environment import Environment
from trainyard.run.plan import NextStep, Plan
from trainyard.run.settings.policy import Policy
from trainyard.stages.resolve.resolve import resolve
from trainyard.stages.resolve.settling import Earlier

START = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
SETTLING = 120
RAW, ARTIFACTS = "raw-bucket", "artifacts-bucket"


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file that has arrived `after` seconds; of one in parts the upload `began` so many seconds before that.

    Its event is delivered `late` seconds after it has arrived, and once more `again` seconds after that, if at all. One
    that `deletes` takes the file away, of which S3 tells nobody.
    """

    name: str
    after: float
    began: float = 0.0
    late: float = 0.0
    again: float | None = None
    deletes: bool = False


def moment(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class Conflict(Exception):
    """The conditional write that another execution was quicker with."""


@dataclass
class World:
    """A bucket of one data set and the executions that its uploads start; `whole` seconds are listed, as in AWS."""

    recipe: str = "two_tower"
    whole: bool = True
    run_json: dict[str, Any] = field(default_factory=lambda: {"seed": 7})
    policy: Policy = field(default_factory=Policy)
    settling: int = SETTLING
    now: float = 0.0
    versions: list[dict[str, Any]] = field(default_factory=list)
    claims: dict[str, str] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    plans: dict[str, list[Plan]] = field(default_factory=dict)

    def run(self, uploads: Sequence[Upload]) -> World:
        """Let the uploads arrive and every execution come to its end."""
        order = itertools.count()
        due: list[tuple[float, int, Any]] = [(each.after, next(order), each) for each in uploads]
        heapq.heapify(due)
        while due:
            self.now, _, what = heapq.heappop(due)
            if isinstance(what, Upload) and what.deletes:
                self.delete(what.name)
            elif isinstance(what, Upload):
                event = self._arrives(what)
                deliveries = [what.late] if what.again is None else [what.late, what.late + what.again]
                for late in deliveries:
                    name = f"e{len(self.plans)}-{what.name}"
                    self.plans[name] = []
                    heapq.heappush(due, (self.now + late, next(order), (name, event, Earlier())))
            elif (then := self._look(*what)) is not None:
                wait, earlier = then
                heapq.heappush(due, (self.now + wait, next(order), (what[0], what[1], earlier)))
        return self

    @property
    def trainings(self) -> list[Plan]:
        return [plans[-1] for plans in self.plans.values() if plans[-1].outcome is NextStep.TRAIN]

    def latest(self) -> dict[str, str]:
        return {each["Key"].split("/", 3)[3]: each["VersionId"] for each in self.versions if each["IsLatest"]}

    def delete(self, name: str) -> None:
        """A marker hides the object; its versions stay."""
        for each in self.versions:
            each["IsLatest"] = each["IsLatest"] and not each["Key"].endswith(f"/{name}")

    def _arrives(self, upload: Upload) -> dict[str, Any]:
        key, listed = f"raw/{self.recipe}/mine/{upload.name}", upload.after - upload.began
        self.delete(upload.name)
        version = {
            "Key": key,
            "VersionId": f"v{len(self.versions)}",
            "IsLatest": True,
            "Size": 1,
            "ETag": '"0a-2"' if upload.began else '"0a"',
            "LastModified": moment(math.floor(listed) if self.whole else listed),
        }
        self.versions.append(version)
        return {
            "detail-type": "Object Created",
            "time": moment(math.floor(upload.after)).isoformat().replace("+00:00", "Z"),
            "detail": {"object": {"key": key, "version-id": version["VersionId"]}},
        }

    def _look(self, name: str, event: dict[str, Any], earlier: Earlier) -> tuple[int, Earlier] | None:
        plan = resolve(
            event,
            {"arn": f"arn:aws:states:us-east-1:0:execution:m:{name}", "name": name, "started": START.isoformat()},
            earlier=earlier,
            environment=Environment(
                raw_bucket=RAW,
                artifacts_bucket=ARTIFACTS,
                ledger_table="ledger",
                topic_arn="topic",
                code_version="1",
                settling_seconds=self.settling,
                policy=self.policy,
            ),
            s3=self,
            dynamodb=self,
            now=lambda: moment(self.now),
        )
        self.plans[name].append(plan)
        if plan.outcome is not NextStep.SETTLE:
            return None
        assert plan.wait_seconds is not None and 1 <= plan.wait_seconds <= self.settling + 1
        waited = plan.waited_seconds + plan.wait_seconds
        return plan.wait_seconds, Earlier(seen=plan.seen or "", waited_seconds=waited)

    # What resolve asks of S3.
    def get_paginator(self, operation: str) -> World:
        assert operation == "list_object_versions"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
        found = [each for each in self.versions if each["Key"].startswith(Prefix)]
        yield {"Versions": found[::2]}
        yield {"Versions": found[1::2]}

    def get_object(self, **_: Any) -> dict[str, Any]:
        return {"Body": io.BytesIO(json.dumps(self.run_json).encode())}

    def put_object(self, *, Body: bytes | str, **_: Any) -> None:
        self.requests.append(json.loads(Body))

    # And of the ledger.
    class exceptions:
        ConditionalCheckFailedException = Conflict

    def put_item(self, *, Item: dict[str, Any], **_: Any) -> None:
        holder = self.claims.setdefault(Item["id"]["S"], Item["execution_arn"]["S"])
        if holder != Item["execution_arn"]["S"]:
            raise Conflict

    def get_item(self, *, Key: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"Item": {"execution_arn": {"S": self.claims[Key["id"]["S"]]}}}
