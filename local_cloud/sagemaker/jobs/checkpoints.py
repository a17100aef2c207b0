"""Keeps a training job's checkpoint folder and its S3 prefix equal while the job runs; runs in the server."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from pathlib import Path

from local_cloud.jobs.execution import Execution
from local_cloud.jobs.records import Record
from trainyard.errors import JobFailed

logger = logging.getLogger("trainyard.sagemaker")

SYNC_SECONDS = 5.0


class Checkpoints:
    """CheckpointConfig of a job: `download` before it starts; as a context manager it uploads changes while it runs."""

    def __init__(self, record: Record, execution: Execution) -> None:
        configured = record.get("CheckpointConfig") or {}
        self._uri: str = configured.get("S3Uri", "")
        self._storage = execution.storage if self._uri else None
        self._folder = execution.workspace.local(configured.get("LocalPath", "/opt/ml/checkpoints"))
        self._known: dict[Path, tuple[int, int]] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="checkpoints", daemon=True)

    def download(self) -> None:
        """Bring what an earlier job left; there may be nothing. As in SageMaker the URI is listed as it was given."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._storage is not None:
            self._storage.download_prefix(self._uri, self._folder, required=False)
            self._known = self._state()

    def __enter__(self) -> Checkpoints:
        if self._storage is not None:
            self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        if self._storage is not None:
            self._ended.set()
            self._thread.join()
            self._upload()

    def _keep(self) -> None:
        while not self._ended.wait(SYNC_SECONDS):
            # A file may vanish between being seen and being sent; the last upload, after the job, counts.
            with suppress(OSError):
                try:
                    self._upload()
                except JobFailed as error:
                    logger.warning("Checkpoints of a running job: %s", error)

    def _upload(self) -> None:
        state = self._state()
        for path, version in state.items():
            if self._storage is not None and self._known.get(path) != version:
                relative = path.relative_to(self._folder).as_posix()
                self._storage.upload_file(path, f"{self._uri.rstrip('/')}/{relative}")
                self._known[path] = version

    def _state(self) -> dict[Path, tuple[int, int]]:
        files = (path for path in sorted(self._folder.rglob("*")) if path.is_file())
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in files}
