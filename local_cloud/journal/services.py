"""The stores of MiniStack's services, and which place keeps the entries of each; in the server."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from local_cloud.journal import touched
from local_cloud.journal.draft import Draft
from local_cloud.journal.executions import ExecutionRows
from local_cloud.journal.functions import Functions
from local_cloud.journal.log_groups import Groups
from local_cloud.journal.places import SCOPED, Place, write_value
from local_cloud.journal.queues import Queues
from local_cloud.journal.tables import Tables

PLACES: dict[str, type[Place]] = {
    "cloudwatch_logs/log_groups": Groups,
    "dynamodb/tables": Tables,
    "lambda/functions": Functions,
    "sqs/queues": Queues,
    "stepfunctions/executions": ExecutionRows,
}
# Found again from the events themselves.
NOT_KEPT = {"cloudwatch_logs/log_records"}
# Their `get_state` copies and writes files: the stores are taken from the module, by name.
BY_NAME = {
    "dynamodb": (
        "tables", "tags", "ttl_settings", "pitr_settings", "kinesis_destinations", "contributor_insights", "backups",
        "resource_policies", "exports", "imports",
    ),
    "lambda": ("functions", "layers", "esms", "function_urls", "kinesis_positions", "dynamodb_stream_positions"),
}  # fmt: skip


class Service:
    """One of MiniStack's services: the stores that it keeps, by name."""

    def __init__(self, name: str, module: ModuleType) -> None:
        self.name = name
        self.module = module
        self.places: dict[int, Place] = {}
        own = {id(each) for each in vars(module).values() if isinstance(each, SCOPED)}
        for store_name, store in self.state().items():
            kind = f"{name}/{store_name}"
            if id(store) in own or (isinstance(store, SCOPED) and name in BY_NAME):
                self.places[id(store)] = PLACES.get(kind, Place)(kind, store)
        self.stores = own | set(self.places)
        self._only_stores = all(id(each) in self.places for each in self.state().values())

    def state(self) -> dict[str, Any]:
        """Its stores themselves, and copies of what it keeps otherwise."""
        if self.name in BY_NAME:
            return {name: getattr(self.module, f"_{name}") for name in BY_NAME[self.name]}
        with touched.by_reference():
            return self.module.get_state() or {}

    def write_others(self, draft: Draft) -> None:
        """Draw up what it keeps otherwise than in a store of its own."""
        if self._only_stores:
            return
        for store_name, value in self.state().items():
            if id(value) not in self.places:
                write_value(f"{self.name}/{store_name}", value, draft=draft)
