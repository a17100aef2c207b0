"""What every page of the console stands on: the deployment that is shown, and what was read of it before."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

from trainyard.client.deployment import Deployment
from trainyard.console.live import Feeds
from trainyard.console.runs import Runs


@dataclass
class Site:
    """One deployment, found when the first page asks for it: the console may be up before anything is deployed.

    `find` raises NotFound while there is none; `label` says in a reader's words what is shown.
    """

    find: Callable[[], Deployment]
    label: str
    feeds: Feeds = field(default_factory=Feeds)
    _found: Deployment | None = None
    _runs: Runs | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def deployment(self) -> Deployment:
        """The deployment; raises NotFound, and what boto3 raises where nothing answers."""
        with self._lock:
            if self._found is None:
                self._found = self.find()
            return self._found

    @property
    def runs(self) -> Runs:
        """The executions of the deployment, as far as they were read."""
        deployment = self.deployment
        with self._lock:
            if self._runs is None or self._runs.deployment is not deployment:
                self._runs = Runs(deployment=deployment)
            return self._runs

    def forget(self, error: Exception) -> None:
        """Look for the deployment anew after a call that failed: the cloud may be up elsewhere, or deployed anew."""
        if isinstance(error, ClientError | BotoCoreError):
            with self._lock:
                self._found = None
