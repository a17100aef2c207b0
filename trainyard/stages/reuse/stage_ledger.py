"""The items of the ledger about stages: which runs have made one, and which execution is at work on one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from trainyard.run.ledger import expiry
from trainyard.stages.reuse.wanted import Wanted

# Before the key of a stage: what the function may touch of the ledger.
START = "stage/"
# Runs that are looked at for one that has the same settings, the newest first.
MOST_RUNS = 10
# Longer than a job of these stages may take. An execution that still runs then has lost its reservation on the way.
LONGEST_SECONDS = 9 * 3600


@dataclass(frozen=True, kw_only=True)
class StageLedger:
    """The ledger's table, and a boto3 client of DynamoDB."""

    table: str
    dynamodb: Any

    def runs(self, wanted: Wanted) -> list[str]:
        """The runs that have made such a stage, the newest first, whatever settings it read."""
        item = self._item(f"made/{wanted.key}")
        return [each["S"] for each in item["runs"]["L"]] if item else []

    def newest(self, wanted: Wanted) -> str | None:
        """The run that made this stage last of the same data set, from whatever."""
        item = self._item(_newest(wanted))
        return item["run_id"]["S"] if item else None

    def add(self, wanted: Wanted) -> None:
        """Let others find the stage of this run. Of two that write at once one may be forgotten, and computed again."""
        own = wanted.run.run_id
        others = [each for each in self.runs(wanted) if each != own]
        runs = [{"S": each} for each in [own, *others][:MOST_RUNS]]
        self._put(f"made/{wanted.key}", {"runs": {"L": runs}})
        self._put(_newest(wanted), {"run_id": {"S": own}})

    def reserve(self, wanted: Wanted, *, instead_of: str = "") -> str:
        """Make the work on a stage this execution's own; returns the ARN of the execution whose it is now.

        It stays that of another which holds it, unless that is the one named by `instead_of`.
        """
        own, key = wanted.run.execution_arn, f"work/{wanted.work}"
        now = int(time.time())
        try:
            self.dynamodb.put_item(
                TableName=self.table,
                Item=_item(key, {"execution_arn": {"S": own}, "since": {"N": str(now)}}),
                ConditionExpression="attribute_not_exists(id) OR execution_arn IN (:own, :dead) OR since < :ago",
                ExpressionAttributeValues={
                    ":own": {"S": own},
                    ":dead": {"S": instead_of or own},
                    ":ago": {"N": str(now - LONGEST_SECONDS)},
                },
            )
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            item = self._item(key)
            return str(item["execution_arn"]["S"]) if item else own
        return own

    def release(self, wanted: Wanted) -> None:
        """End this execution's work on a stage; another's stays."""
        try:
            self.dynamodb.delete_item(
                TableName=self.table,
                Key=_key(f"work/{wanted.work}"),
                ConditionExpression="execution_arn = :own",
                ExpressionAttributeValues={":own": {"S": wanted.run.execution_arn}},
            )
        except self.dynamodb.exceptions.ConditionalCheckFailedException:
            return

    def _item(self, key: str) -> Any:
        return self.dynamodb.get_item(TableName=self.table, Key=_key(key), ConsistentRead=True).get("Item")

    def _put(self, key: str, attributes: dict[str, Any]) -> None:
        self.dynamodb.put_item(TableName=self.table, Item=_item(key, attributes))


def _newest(wanted: Wanted) -> str:
    return f"newest/{wanted.run.recipe}/{wanted.stage}/{wanted.run.dataset}"


def _key(name: str) -> dict[str, Any]:
    return {"id": {"S": f"{START}{name}"}}


def _item(name: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """What is put under a key, and goes by itself some day."""
    return {**_key(name), **attributes, **expiry()}
