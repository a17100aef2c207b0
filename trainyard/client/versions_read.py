"""Finds the versions of files and settings that an execution read, so that another can read them again; on a laptop."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from trainyard.client.artifacts import RunArtifacts
from trainyard.client.deployment import Deployment
from trainyard.client.executions import Execution
from trainyard.client.watch import plan_of
from trainyard.errors import NotFound, TrainyardError
from trainyard.run.folders import OVERRIDES_FILE
from trainyard.run.run import Run
from trainyard.run.stage import Stage
from trainyard.stages.resolve.request import Request

# Of the input of an execution: 256 KiB, less the settings.
MOST_CHARACTERS = 200_000


def versions_read(deployment: Deployment, execution: Execution, *, asked: Request) -> dict[str, str]:
    """Version ids by the names of files, run.json among them; empty for an execution that came to read no files.

    Raises NotFound where the run was removed, TrainyardError for more files than the input of an execution can name.
    """
    plan = plan_of(deployment, execution)
    if plan is None or plan.prefix is None:
        return {}
    run = RunArtifacts(deployment=deployment, prefix=plan.prefix).document(Stage.RESOLVE, Run)
    if run is None:
        raise NotFound(
            f"Expected to find in {plan.prefix} which versions of the files {execution.name} read, found nothing: what "
            "the run left was removed. Run it with the newest versions instead: --newest."
        )
    found = {each.name: each.version_id for each in run.files}
    if sum(len(name) + len(version) + 8 for name, version in found.items()) > MOST_CHARACTERS:
        raise TrainyardError(
            f"Expected a data set of at most some thousands of files, found {len(found):,}: their versions do not fit "
            "into the input of an execution. Run it with the newest versions instead: --newest."
        )
    if not found:
        return {}
    settings = _settings_version(deployment, f"{asked.prefix}{OVERRIDES_FILE}", moment=execution.started)
    return found | ({OVERRIDES_FILE: settings} if settings else {})


def _settings_version(deployment: Deployment, key: str, *, moment: datetime) -> str:
    """The version of an object that was the newest at a moment, empty where there was none or it had been removed."""
    pages = (
        deployment.target.client("s3")
        .get_paginator("list_object_versions")
        .paginate(Bucket=deployment.raw_bucket, Prefix=key)
    )
    versions: list[Mapping[str, Any]] = [
        each
        for page in pages
        for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
        if each["Key"] == key and each["LastModified"] <= moment
    ]
    newest = max(versions, key=lambda each: each["LastModified"], default=None)
    # A delete marker has no size.
    return str(newest["VersionId"]) if newest is not None and "Size" in newest else ""
