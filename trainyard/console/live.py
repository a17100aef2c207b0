"""Watches executions that run, once each however many tabs look at them, and tells the tabs what changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from trainyard.client.deployment import Deployment
from trainyard.client.execution.observer import Observer, Snapshot


@dataclass
class Feed:
    """The snapshots of one execution, taken while somebody listens."""

    observer: Observer
    seconds: float
    listeners: int = 0
    latest: Snapshot | None = None
    taken: int = 0
    failed: Exception | None = None
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    task: asyncio.Task[None] | None = None

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """What the execution looks like, now and after each look, until it has ended. Raises what a look raised."""
        self.listeners += 1
        if self.task is None or self.task.done():
            self.failed = None
            self.task = asyncio.create_task(self._watch())
        seen = self.taken
        try:
            while True:
                await self._after(seen)
                if self.failed is not None:
                    raise self.failed
                seen, latest = self.taken, self.latest
                if latest is not None:
                    yield latest
                    if not latest.execution.running:
                        return
        finally:
            self.listeners -= 1

    async def _after(self, seen: int) -> None:
        """Wait for a look that came after the one of number `seen`."""
        async with self.changed:
            await self.changed.wait_for(lambda: self.taken > seen or self.failed is not None)

    async def _watch(self) -> None:
        """Take snapshots until the execution has ended or nobody listens any more."""
        while self.listeners:
            try:
                latest = await run_in_threadpool(self.observer.snapshot)
            except Exception as error:
                # Those who listen raise it, in the words of the page.
                await self._tell(failed=error)
                return
            await self._tell(latest=latest)
            if not latest.execution.running:
                return
            await asyncio.sleep(self.seconds)

    async def _tell(self, *, latest: Snapshot | None = None, failed: Exception | None = None) -> None:
        async with self.changed:
            self.latest, self.failed = latest, failed
            self.taken += 1
            self.changed.notify_all()


@dataclass
class Feeds:
    """The feeds of the executions that are looked at, by their ARN. `stopping` tells open streams to end."""

    by_arn: dict[str, Feed] = field(default_factory=dict)
    stopping: Callable[[], bool] = lambda: False

    def of(self, deployment: Deployment, arn: str) -> Feed:
        """The feed of an execution; one that has ended or that nobody listens to is begun anew."""
        for known in [known for known, feed in self.by_arn.items() if not feed.listeners and known != arn]:
            del self.by_arn[known]
        if arn not in self.by_arn:
            self.by_arn[arn] = Feed(observer=Observer(deployment, arn), seconds=deployment.target.poll_seconds)
        return self.by_arn[arn]
