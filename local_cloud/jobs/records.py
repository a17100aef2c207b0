"""Keeps the records of jobs and other resources, one JSON file each: a killed server loses nothing; in the server."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from local_cloud.journal import space

Record = dict[str, Any]


class Records:
    """Records of one kind by name. Callers get copies: a record changes only through `put` and `update`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.RLock()
        self._records: dict[str, Record] = {}
        directory.mkdir(parents=True, exist_ok=True)
        for file in directory.glob("*.json"):
            self._records[unquote(file.stem)] = json.loads(file.read_text(encoding="utf-8"))

    def __contains__(self, name: str) -> bool:
        return name in self._records

    def __iter__(self) -> Iterator[Record]:
        with self._lock:
            return iter(copy.deepcopy(list(self._records.values())))

    def get(self, name: str) -> Record | None:
        """The record of that name, or None."""
        with self._lock:
            return copy.deepcopy(self._records.get(name))

    def add(self, name: str, record: Record) -> bool:
        """Store a new record; False when the name is taken."""
        with self._lock:
            if name in self._records:
                return False
            self.put(name, record)
            return True

    def put(self, name: str, record: Record) -> None:
        """Store a record; it replaces any other of its name."""
        with self._lock:
            self._records[name] = copy.deepcopy(record)
            file = self._file(name)
            partial = file.with_suffix(".partial")
            space.in_time(lambda: partial.write_text(json.dumps(record), encoding="utf-8"))
            partial.replace(file)

    def update(self, name: str, **changes: Any) -> Record:
        """Change some members of a record and return all of it."""
        with self._lock:
            record = {**self._records[name], **changes}
            self.put(name, record)
            return copy.deepcopy(record)

    def delete(self, name: str) -> None:
        """Forget a record."""
        with self._lock:
            del self._records[name]
            self._file(name).unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self._directory / f"{quote(name, safe='')}.json"
