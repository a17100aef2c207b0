"""The live part of an execution's page as server-sent events: the yard anew whenever it looks different."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from trainyard.client.execution.find_execution import find_execution
from trainyard.client.execution.observer import Observer, Snapshot
from trainyard.console import pages
from trainyard.console.live import Feed
from trainyard.console.views.execution import view_of

# A new line of the stream would end a line of the event; `str.splitlines` also cuts where HTML has none.
NEW_LINE = re.compile(r"\r\n|\r|\n")
DONE = "event: done\ndata: \n\n"


def stream(request: Request) -> Response:
    """Events without a name hold the HTML of the live part; `done` is the last. Raises NotFound."""
    deployment = pages.deployment(request)
    found = find_execution(deployment, request.path_params["name"])
    feed = pages.site(request).feeds.of(deployment, found.arn)
    return StreamingResponse(_events(request, feed), media_type="text/event-stream")


async def _events(request: Request, feed: Feed) -> AsyncIterator[str]:
    shown = ""
    stopping = pages.site(request).feeds.stopping
    async for snapshot in feed.snapshots():
        if stopping() or await request.is_disconnected():
            return
        html = await run_in_threadpool(_html, request, observer=feed.observer, snapshot=snapshot)
        if html != shown:
            shown = html
            yield event(html)
    yield DONE


def _html(request: Request, *, observer: Observer, snapshot: Snapshot) -> str:
    view = view_of(snapshot, observer.machine, deployment=observer.deployment, request=request)
    return pages.text("live.html.j2", view=view)


def event(html: str) -> str:
    """HTML as one event.

    >>> event("<p>\\nyes")
    'data: <p>\\ndata: yes\\n\\n'
    """
    return "".join(f"data: {line}\n" for line in NEW_LINE.split(html)) + "\n"
