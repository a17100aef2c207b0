"""Decides whether a set of uploaded files has settled, and which of the executions that its files started goes on.

Every upload starts an execution. The one of the newest upload looks until nothing is younger than the settling time;
those of older ones end, for the newer one's execution sees what they see and more. So one that waits is never kept for
ever by a set that changes for ever: the next upload ends it. Pure; the clock is an argument.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from trainyard.errors import NothingToDo
from trainyard.run.folders import BY_HAND_FILE, READY_FILE
from trainyard.stages.resolve.request import Request
from trainyard.stages.resolve.uploads import Stored, StoredObject

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """What an execution found when it looked before: the set, and for how long it was waited for in all."""

    seen: str = ""
    waited_seconds: int = 0

    @classmethod
    def read(cls, given: Any) -> Earlier:
        """From what the state machine hands on; nothing before the first wait."""
        known = given if isinstance(given, Mapping) else {}
        return cls(seen=str(known.get("seen", "")), waited_seconds=int(known.get("waited_seconds", 0)))


def fingerprint(objects: Sequence[StoredObject]) -> str:
    """Identity of everything that lies in a data set, whatever becomes of it."""
    lines = "\n".join(f"{each.key}@{each.version_id}" for each in objects)
    return hashlib.sha256(lines.encode()).hexdigest()


def wait_seconds(request: Request, found: Stored, *, earlier: Earlier, settling: int, now: datetime) -> int:
    """Seconds after which the set is worth another look, 0 where it has settled.

    Nobody waits after a manual start, nor where `_READY` is the newest object. Raises NothingToDo where a newer upload
    goes on in the place of this one, or where `_BY_HAND` says that somebody starts one by hand.
    """
    if request.upload is None or not found.objects:
        return 0
    newest = max(found.objects, key=lambda each: (each.modified, each.name in (READY_FILE, BY_HAND_FILE)))
    if newest.name == BY_HAND_FILE:
        raise NothingToDo(
            "an execution on these files was started by hand", recipe=request.recipe, dataset=request.dataset
        )
    own = _moment(request, found.uploaded)
    _require_newest(request, found, newest=newest, own=own)
    last = max(newest.modified, own or newest.modified)
    if newest.name == READY_FILE and (found.uploaded == newest or last - newest.modified <= SECOND):
        return 0
    if earlier.seen:
        # Whatever came since the last look may be a large file whose upload had begun before this one.
        return 0 if earlier.seen == fingerprint(found.objects) else settling
    return _remaining(found, last=last, settling=settling, now=now)


def _moment(request: Request, uploaded: StoredObject | None) -> datetime | None:
    """When the upload that started the execution was complete; S3 lists when that of a large file began."""
    known = [each for each in (request.uploaded_at, uploaded.modified if uploaded else None) if each]
    return max(known, default=None)


def _require_newest(request: Request, found: Stored, *, newest: StoredObject, own: datetime | None) -> None:
    """S3 lists whole seconds: uploads of the same one all stay, and the claim decides."""
    uploaded = found.uploaded
    latest = next((each for each in found.objects if uploaded and each.key == uploaded.key), uploaded)
    if latest != uploaded:
        by = f"a newer upload of {request.upload}"
    elif own is None or own < newest.modified:
        by = f"the upload of {newest.name}"
    else:
        return
    raise NothingToDo(f"superseded by {by}, whose execution goes on", recipe=request.recipe, dataset=request.dataset)


def _remaining(found: Stored, *, last: datetime, settling: int, now: datetime) -> int:
    """Seconds until nothing is younger than the settling time, at the first look; clocks may differ."""
    if settling and any(each.in_parts for each in found.objects if each != found.uploaded):
        # It may have been complete only just now, whenever its upload began.
        return settling
    rounded = SECOND if settling and not last.microsecond else timedelta()
    left = math.ceil((last + rounded - now).total_seconds() + settling)
    return min(max(left, 0), settling + 1) if settling else 0
