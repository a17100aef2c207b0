"""Work that takes longer goes to a thread, so that /ping is answered meanwhile; runs in the service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.requests import ClientDisconnect, Request

Result = TypeVar("Result")

# All threads share one interpreter: with more of them at work, the thread that answers /ping waits longer for its turn.
THREADS = CapacityLimiter(8)


async def unless_gone(request: Request, work: Callable[[Event], Result]) -> Result:
    """What `work` returns, done in a thread; raises what it raises, and ClientDisconnect when nobody waits any more.

    `work` is handed an event that is set from then on, for it to look at from time to time.
    """
    ended = Event()
    # A thread that is left alone may not hold up the end of the service.
    working = asyncio.ensure_future(to_thread.run_sync(work, ended, abandon_on_cancel=True, limiter=THREADS))
    gone = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        ended.set()
        gone.cancel()
        working.cancel()
