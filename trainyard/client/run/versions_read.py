"""Finds the versions of files and settings that an execution read, so that another can read them again; on a laptop."""

from __future__ import annotations

from collections.abc import Iterator

from trainyard.client.deployment import Deployment
from trainyard.client.execution.executions import Execution
from trainyard.client.execution.watch import plan_of
from trainyard.client.run.artifacts import RunArtifacts
from trainyard.errors import JobFailed, NotFound, TrainyardError
from trainyard.run.folders import OVERRIDES_FILE
from trainyard.run.run import InputFile, Run
from trainyard.run.stage import Stage
from trainyard.stages.resolve.claim import fingerprint
from trainyard.stages.resolve.request import Request

# Of the input of an execution: 256 KiB, less the settings.
MOST_CHARACTERS = 200_000


def versions_read(deployment: Deployment, execution: Execution, *, asked: Request) -> dict[str, str]:
    """Version ids by the names of files, run.json among them; empty for an execution that came to read no files.

    Raises NotFound where they are no longer known, TrainyardError for more files than the input of an execution can
    name.
    """
    try:
        plan = plan_of(deployment, execution)
    except JobFailed as error:
        raise _unknown(execution, "what its first state decided cannot be read") from error
    if plan is None or plan.prefix is None:
        return {}
    run = RunArtifacts(deployment=deployment, prefix=plan.prefix).document(Stage.RESOLVE, Run)
    if run is None:
        raise _unknown(execution, f"what the run left in {plan.prefix} was removed")
    found = {each.name: each.version_id for each in run.files}
    if not found:
        return {}
    if sum(len(name) + len(version) + 8 for name, version in found.items()) > MOST_CHARACTERS:
        raise TrainyardError(
            f"Expected a data set of at most some thousands of files, found {len(found):,}: their versions do not fit "
            "into the input of an execution. Run it with the newest versions instead: --newest."
        )
    for settings in _settings(deployment, f"{asked.prefix}{OVERRIDES_FILE}"):
        if run.fingerprint in {fingerprint([*run.files, *settings], salt=salt) for salt in ("", run.execution_arn)}:
            return found | {each.name: each.version_id for each in settings}
    raise _unknown(execution, f"the {OVERRIDES_FILE} that it read is no longer in the bucket")


def _settings(deployment: Deployment, key: str) -> Iterator[list[InputFile]]:
    """None and each version of run.json: S3 dates them by the second only, but the run's fingerprint is exact."""
    yield []
    pages = (
        deployment.target.client("s3")
        .get_paginator("list_object_versions")
        .paginate(Bucket=deployment.raw_bucket, Prefix=key)
    )
    for page in pages:
        for each in page.get("Versions", ()):
            if each["Key"] == key:
                yield [InputFile(source="", key=key, version_id=each["VersionId"], size=each["Size"])]


def _unknown(execution: Execution, why: str) -> NotFound:
    return NotFound(
        f"Expected to find which versions of files and settings {execution.name} read; {why}. Run it with the newest "
        "versions instead: --newest."
    )
