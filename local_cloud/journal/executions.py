"""Keeps executions of state machines: a row for each, its history in a list that only grows, its definition once.

A definition of 90 KB would otherwise be kept with each of thousands of executions. In the server.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import stepfunctions

from local_cloud import journal as journals
from local_cloud.journal import started_by, touched
from local_cloud.journal.draft import Draft
from local_cloud.journal.places import Place
from local_cloud.journal.sequence import Kept
from local_cloud.journal.store import Journal
from local_cloud.journal.texts import key_text

Record = dict[str, Any]
DEFINITIONS = "stepfunctions/definitions"

_definitions: dict[str, str] = {}


class Executions(AccountRegionScopedDict):  # type: ignore[misc]
    """MiniStack's executions; the history and definition of one that is put into it are kept in the journal."""

    __slots__ = ()

    def __setitem__(self, arn: str, execution: Record) -> None:
        _adopt(execution)
        super().__setitem__(arn, execution)

    def update(self, other: Any) -> None:
        """Take over the executions of another store."""
        for execution in getattr(other, "_data", other).values():
            _adopt(execution)
        super().update(other)


class ExecutionRows(Place):
    """A row for each execution."""

    growing = True

    def put(self, key: Any, value: Any, *, draft: Draft, part: Any) -> None:
        """The row names the list of the events."""
        del part
        draft.keep(self.kind, key_text(self.store, key), value={**value, "events": value["events"].owner})
        name = value.get("definitionHash")
        if name is not None and not draft.known.has(DEFINITIONS, name):
            draft.keep(DEFINITIONS, name, value=_definitions[name])

    def restored(self, key: Any, value: Any, *, rows: Mapping[str, Any], journal: Journal) -> Any:
        """An execution whose history is left in the journal."""
        del key, rows
        return {**value, "events": Kept(journal, value["events"])}


def install() -> None:
    """Replace MiniStack's executions."""
    stepfunctions._executions = Executions()


def note(execution: Record) -> None:
    """Note that an execution is being changed."""
    # arn:aws:states:REGION:ACCOUNT:execution:MACHINE:NAME
    region, account = execution["executionArn"].split(":", 5)[3:5]
    touched.note(stepfunctions._executions, (account, region, execution["executionArn"]))


def remember_definition(execution: Record, definition: str) -> None:
    """Keep the definition that an execution began with."""
    name = hashlib.sha256(definition.encode()).hexdigest()
    _definitions[name] = definition
    execution["definitionHash"] = name


def definition_of(execution: Record) -> str | None:
    """The definition that an execution began with; None for one that has not begun."""
    name = execution.get("definitionHash")
    return None if name is None else _definitions[name]


def restore_definition(name: str, text: str) -> None:
    """Take over a definition that the journal has."""
    _definitions[name] = text


def _adopt(execution: Record) -> None:
    started_by.note(execution)
    if not isinstance(execution["events"], Kept):
        current = journals.current()
        execution["events"] = Kept(current, current.new_owner(), waiting=execution["events"], new=True)
    if "definition" in execution:
        remember_definition(execution, execution.pop("definition"))
