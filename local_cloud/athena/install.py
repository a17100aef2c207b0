"""Replaces how MiniStack's Athena runs queries, answers for work groups and reads partitions; runs in the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import athena

from local_cloud.athena import authorization, partitions, queries

Response = tuple[int, dict[str, str], bytes]
# What AWS answers where nothing was set. Clients read these without asking whether they are there.
DEFAULTS: Mapping[str, Any] = {"PublishCloudWatchMetricsEnabled": False, "RequesterPaysEnabled": False}


def install() -> None:
    """Replace what MiniStack does otherwise than AWS. Called once, in the server."""
    athena._ensure_default_workgroup = _with_primary(athena._ensure_default_workgroup)
    athena._create_workgroup = _complete(athena._create_workgroup)
    athena._start_query_execution = _into_folder(athena._start_query_execution)
    athena._execute_query = queries.execute
    authorization.install()
    athena._table_relation = partitions.only_registered(athena._table_relation)


def _with_primary(ensure: Callable[[], None]) -> Callable[[], None]:
    """Let the work group that every account has say whether its settings win: they do not."""

    def ensured() -> None:
        ensure()
        configuration = athena._workgroups["primary"]["Configuration"]
        for name, value in {**DEFAULTS, "EnforceWorkGroupConfiguration": False}.items():
            configuration.setdefault(name, value)

    return ensured


def _complete(create: Callable[[dict[str, Any]], Response]) -> Callable[[dict[str, Any]], Response]:
    """The settings of a work group that is made win, unless it is made otherwise."""

    def created(request: dict[str, Any]) -> Response:
        asked = request.get("Configuration", {})
        return create({**request, "Configuration": {**DEFAULTS, "EnforceWorkGroupConfiguration": True, **asked}})

    return created


def _into_folder(start: Callable[[dict[str, Any]], Response]) -> Callable[[dict[str, Any]], Response]:
    """Take a location for results as a folder, with or without a slash at its end: MiniStack would glue names to it."""

    def started(request: dict[str, Any]) -> Response:
        asked = request.get("ResultConfiguration", {})
        if not (location := asked.get("OutputLocation")):
            return start(request)
        folder = {**asked, "OutputLocation": f"{location.rstrip('/')}/"}
        return start({**request, "ResultConfiguration": folder})

    return started
