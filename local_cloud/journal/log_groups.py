"""Keeps CloudWatch log groups with a row for each stream, the events in lists that only grow; in the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import cloudwatch_logs

from local_cloud import journal as journals
from local_cloud.journal import touched
from local_cloud.journal.draft import Draft
from local_cloud.journal.places import Place, part_kind
from local_cloud.journal.sequence import Kept
from local_cloud.journal.store import Journal
from local_cloud.journal.texts import key_text

Stream = dict[str, Any]
_STREAMS = "cloudwatch_logs/streams"
# GetLogRecord finds the latest events only: MiniStack holds every event twice for it.
_RECORDS = 1000

_sizes_only: ContextVar[bool] = ContextVar("trainyard_sizes_only", default=False)


class Events(Kept):
    """The events of a stream; listing streams and groups adds up no sizes: AWS reports none for streams either."""

    __slots__ = ()

    def __iter__(self) -> Any:
        return iter(()) if _sizes_only.get() else super().__iter__()


class Streams(dict[str, Stream]):
    """The streams of one group; notes which of them are handed out, and keeps what is put into it in the journal."""

    def __init__(self, group: Any, streams: Mapping[str, Stream]) -> None:
        super().__init__()
        self.group = group
        for name, stream in streams.items():
            _adopt(stream)
            super().__setitem__(name, stream)

    def __getitem__(self, name: str) -> Stream:
        touched.note(cloudwatch_logs._log_groups, self.group, part=name)
        return super().__getitem__(name)

    def __setitem__(self, name: str, stream: Stream) -> None:
        touched.note(cloudwatch_logs._log_groups, self.group, part=name)
        _adopt(stream)
        super().__setitem__(name, stream)

    def __delitem__(self, name: str) -> None:
        touched.note(cloudwatch_logs._log_groups, self.group, part=name)
        super().__delitem__(name)


class LogGroups(AccountRegionScopedDict):  # type: ignore[misc]
    """MiniStack's log groups; the streams of a group that is put into it are kept in the journal."""

    __slots__ = ()

    def __setitem__(self, name: str, group: dict[str, Any]) -> None:
        super().__setitem__(name, group)
        self._adopt()

    def update(self, other: Any) -> None:
        """Take over the groups of another store."""
        super().update(other)
        self._adopt()

    def _adopt(self) -> None:
        for key, group in list(self._data.items()):
            if not isinstance(group["streams"], Streams):
                group["streams"] = Streams(key, group["streams"])


class LatestRecords(AccountRegionScopedDict):  # type: ignore[misc]
    """The latest events by their pointers."""

    __slots__ = ()

    def __setitem__(self, pointer: str, record: Any) -> None:
        self._data[self._scoped(pointer)] = record
        while len(self._data) > _RECORDS:
            # The oldest: dictionaries keep the order of what was put in.
            self._data.pop(next(iter(self._data)), None)

    def update(self, other: Any) -> None:
        """What an old state folder has is not taken over."""


class Groups(Place):
    """A row for the group, one for each of its streams, and the list of each stream's events."""

    growing = True

    def put(self, key: Any, value: Any, *, draft: Draft, part: Any) -> None:
        """Only the streams that were handed out are looked at; all of them where the group's row is new."""
        streams = value["streams"]
        new = not draft.known.has(self.kind, key_text(self.store, key))
        for name in list(streams) if new else [part] if part is not None else []:
            self._write_stream(self.parts(key), name, stream=dict.get(streams, name), draft=draft)
        draft.keep(self.kind, key_text(self.store, key), value={**value, "streams": {}})

    def _write_stream(self, kind: str, name: str, *, stream: Stream | None, draft: Draft) -> None:
        if stream is None:
            draft.forget(kind, name)
            return
        if not isinstance(stream["events"], Kept):
            # Events that came late: MiniStack has sorted them into a new list.
            _adopt(stream)
        draft.keep(kind, name, value={**stream, "events": stream["events"].owner})

    def gone(self, key: Any, draft: Draft) -> None:
        """The streams go with their group."""
        draft.forget_kind(self.parts(key))

    def parts(self, key: Any) -> str:
        """The kind of a group's streams."""
        return part_kind(_STREAMS, key)

    def restored(self, key: Any, value: Any, *, rows: Mapping[str, Any], journal: Journal) -> Any:
        """A group with its streams, their events left in the journal."""
        streams = {name: {**stream, "events": Events(journal, stream["events"])} for name, stream in rows.items()}
        return {**value, "streams": Streams(key, streams)}


def install() -> None:
    """Replace MiniStack's log groups and its index of events."""
    cloudwatch_logs._log_groups, cloudwatch_logs._log_records = LogGroups(), LatestRecords()
    for name in ("_describe_log_groups", "_describe_log_streams"):
        setattr(cloudwatch_logs, name, _without_sizes(getattr(cloudwatch_logs, name)))
    cloudwatch_logs.load_persisted_state = _restore


def _restore(data: dict[str, Any] | None) -> None:
    """MiniStack's own function sorts every event of every stream: it gets the groups of old folders alone."""
    if not data:
        return
    groups = data.get("log_groups", AccountRegionScopedDict())
    kept = {key: group for key, group in groups._data.items() if isinstance(group["streams"], Streams)}
    for key in kept:
        del groups._data[key]
    cloudwatch_logs._restore_state(data)
    cloudwatch_logs._log_groups._data.update(kept)


def _adopt(stream: Stream) -> None:
    if not isinstance(stream["events"], Kept):
        current = journals.current()
        stream["events"] = Events(current, current.new_owner(), waiting=stream["events"], new=True)


def _without_sizes(describe: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def described(data: Any) -> Any:
        token = _sizes_only.set(True)
        try:
            return describe(data)
        finally:
            _sizes_only.reset(token)

    return described
