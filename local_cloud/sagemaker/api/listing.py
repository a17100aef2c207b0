"""Filters, sorts and pages the answers of the List operations; runs in the server."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from local_cloud.jobs.records import Record
from local_cloud.sagemaker.api.context import Request
from local_cloud.sagemaker.api.errors import invalid

DEFAULT_PAGE = 100


def matching(records: Iterable[Record], request: Request, *, name: str, status: str = "") -> list[Record]:
    """Records that satisfy the request's NameContains, StatusEquals and time filters.

    `name` and `status` are the members of a record that hold them.
    """
    part = request.get("NameContains", "").lower()
    state = request.get("StatusEquals")
    return [
        each
        for each in records
        if part in each[name].lower() and (not state or each.get(status) == state) and _in_time(each, request)
    ]


def _in_time(record: Record, request: Request) -> bool:
    for member in ("CreationTime", "LastModifiedTime"):
        at = float(record.get(member) or record["CreationTime"])
        after, before = request.get(f"{member}After"), request.get(f"{member}Before")
        if (after is not None and at <= float(after)) or (before is not None and at >= float(before)):
            return False
    return True


def page(records: list[Record], request: Request, *, keys: dict[str, str]) -> tuple[list[Record], dict[str, str]]:
    """The requested page in the requested order, and NextToken where there is more.

    `keys` maps each SortBy to a record's member; the first one is the default.
    """
    member = keys[request.get("SortBy", next(iter(keys)))]
    known = [each for each in records if each.get(member) is not None]
    unknown = [each for each in records if each.get(member) is None]
    known.sort(key=lambda each: each[member], reverse=request.get("SortOrder") == "Descending")
    ordered = known + unknown
    start = _offset(request)
    end = start + int(request.get("MaxResults", DEFAULT_PAGE))
    return ordered[start:end], {"NextToken": str(end)} if end < len(ordered) else {}


def _offset(request: Request) -> int:
    token: Any = request.get("NextToken", "0")
    if not str(token).isdecimal():
        raise invalid(f"Invalid pagination token {token!r}.")
    return int(token)


def summary(record: Record, *members: str) -> Record:
    """The members of a record that a list shows."""
    return {member: record[member] for member in members if record.get(member) is not None}
