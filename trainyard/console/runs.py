"""The executions of a deployment for a list: each that has ended is described once, however often a page asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from trainyard.client.deployment import Deployment
from trainyard.client.execution import executions
from trainyard.client.execution.executions import DESCRIBED_AT_ONCE, Execution

# Ended executions do not change, but a redrive may open one again: its status in the list tells.
Key = tuple[str, str]
KEPT = 5_000
# One page of the list: what nobody asks for is not listed.
PAGE = 200


@dataclass
class Patience:
    """How long a page waits for executions to be described: once it is `over` no more are, but some always are."""

    seconds: float
    over: bool = False
    _began: float = field(default_factory=time.perf_counter)

    def ends(self) -> bool:
        """Whether the time is over."""
        self.over = time.perf_counter() - self._began > self.seconds
        return self.over


@dataclass
class Runs:
    """Reads executions in the order they began, the newest first."""

    deployment: Deployment
    _ended: dict[Key, Execution] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def newest(self, patience: Patience) -> Iterator[Execution]:
        """Every execution, described as it is asked for, some at a time, while there is patience."""
        listed = executions.summaries(self.deployment, page=PAGE)
        while batch := list(islice(listed, DESCRIBED_AT_ONCE * 2)):
            found, asked = self._described(batch)
            yield from found
            if asked and patience.ends():
                return

    def _described(self, batch: list[Mapping[str, Any]]) -> tuple[list[Execution], bool]:
        """The executions of a batch, and whether any had to be asked for."""
        with self._lock:
            known = {each["executionArn"]: self._ended.get(_key(each)) for each in batch}
        missing = [arn for arn, found in known.items() if found is None]
        if missing:
            with ThreadPoolExecutor(DESCRIBED_AT_ONCE) as pool:
                fresh = list(pool.map(lambda arn: executions.describe(self.deployment.target, arn), missing))
            known.update({each.arn: each for each in fresh})
            self._keep(each for each in fresh if not each.running)
        return [found for found in known.values() if found is not None], bool(missing)

    def _keep(self, ended: Iterator[Execution]) -> None:
        with self._lock:
            for each in ended:
                self._ended[each.arn, f"{each.status} {each.stopped}"] = each
            while len(self._ended) > KEPT:
                self._ended.pop(next(iter(self._ended)))


def _key(summary: Mapping[str, Any]) -> Key:
    return summary["executionArn"], f"{summary['status']} {summary.get('stopDate')}"
