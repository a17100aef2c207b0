"""Makes S3 say when an object could not be stored: MiniStack writes objects at once, but only logs a full disk.

In the local cloud's server.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from ministack.services import s3

from local_cloud.journal import touched
from local_cloud.journal.store import NoSpaceLeft

_failed = threading.local()
# The functions of MiniStack that store something of an object and only log what goes wrong.
_STORING = ("_persist_object", "_persist_delete_marker", "_persist_displaced_version")


def install() -> None:
    """Let an OSError of MiniStack's file writer end the request that it happened in."""
    s3._atomic_write = _remembering(s3._atomic_write)
    for name in _STORING:
        setattr(s3, name, _raising(getattr(s3, name)))


def _remembering(write: Callable[..., None]) -> Callable[..., None]:
    def written(path: str, data: Any, *, text: bool = False) -> None:
        try:
            write(path, data, text=text)
        except OSError as error:
            _failed.error = error
            raise

    return written


def _raising(store: Callable[..., None]) -> Callable[..., None]:
    def stored(*arguments: Any) -> None:
        _failed.error = None
        store(*arguments)
        error: OSError | None = _failed.error
        if error is not None:
            _failed.error = None
            flow = touched.noting()
            told = NoSpaceLeft(error.errno, f"The object was not stored: {error.strerror}", error.filename)
            if flow is not None:
                flow.unwritten = told
            raise told from error

    return stored
