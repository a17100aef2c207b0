"""Writes the state of every service to disk soon after it changed, inside the local cloud's server process."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from pathlib import Path
from typing import Any

logger = logging.getLogger("local_cloud.snapshots")

INTERVAL_SECONDS = 1.0
# Log lines of running jobs come without a request: nobody announces them, so look from time to time.
UNANNOUNCED_SECONDS = 15.0
# A snapshot may cost at most this share of the server's time, however large the state has become.
BUSY_SHARE = 0.1

_changed = threading.Event()


def changed() -> None:
    """Say that something worth keeping has changed; the next snapshot follows within about a second."""
    _changed.set()


class Snapshots:
    """Background thread that saves what changed since its last look. One per server process."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._written: dict[str, str] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)

    def start(self) -> None:
        """Begin watching."""
        self._thread.start()

    def stop(self) -> None:
        """Save once more and end the thread."""
        self._ending.set()
        _changed.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.is_set():
            _changed.wait(UNANNOUNCED_SECONDS)
            _changed.clear()
            started = time.monotonic()
            self.save()
            spent = time.monotonic() - started
            self._ending.wait(max(INTERVAL_SECONDS, spent / BUSY_SHARE))
        self.save()

    def save(self) -> None:
        """Write every service whose state differs from what was last written; each file is replaced at once."""
        from ministack import app

        self._directory.mkdir(parents=True, exist_ok=True)
        for service, state_of in app._build_persistence_save_dict().items():
            try:
                self._save_service(service, state_of)
            except RuntimeError as error:
                # A request changed the dictionary while it was being read: the next round has it.
                logger.debug("Snapshot of %s postponed: %s", service, error)
                _changed.set()

    def _save_service(self, service: str, state_of: Any) -> None:
        from ministack.core import persistence

        state = state_of()
        if state is None:
            return
        wrapped = {"__ministack_format__": persistence._state_format_version(service), "payload": state}
        text = json.dumps(wrapped, default=persistence._json_default)
        digest = hashlib.sha256(text.encode()).hexdigest()
        if self._written.get(service) == digest:
            return
        temporary = self._directory / f"{service}.json.new"
        temporary.write_text(text)
        temporary.replace(self._directory / f"{service}.json")
        self._written[service] = digest
