"""Removes container images that nothing can run any more, so that they do not fill the disk; when the server starts.

Every change of the code makes two new images. Needed are those of the state machines as they are deployed, of
executions that can be redriven (a redrive runs the definition, and so the images, that it began with), and of models
and model packages that can be deployed.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

from ministack.services import stepfunctions

from local_cloud.images.registry import Registry
from local_cloud.jobs.settings import Settings
from local_cloud.journal import executions

logger = logging.getLogger("local_cloud")

# Two images for each of the last five deployments, whatever refers to them: one may be half done.
KEPT_NEWEST = 10
# Kinds of the local SageMaker's records that name the image they would run.
DEPLOYABLE = ("model", "model-package")
TAG = re.compile(r"\.amazonaws\.com/[^:\"\s]+:([\w.-]+)")


def remove(settings: Settings) -> None:
    """Remove the images that nothing refers to, but for the newest; must run after everything was restored."""
    used = {tag for text in _referring(settings.records_dir) for tag in TAG.findall(text)}
    try:
        removed = Registry(settings.images_dir).remove_unused(used, newest=KEPT_NEWEST)
    except OSError as error:
        # On a full disk or a folder of somebody else the server must start all the same.
        logger.warning("Container images of old deployments could not be removed: %s.", error)
        return
    if removed:
        logger.info("Removed %d container images of old deployments that nothing can run any more.", len(removed))


def _referring(records: Path) -> Iterator[str]:
    """The texts that name images which may still run."""
    for machine in stepfunctions._state_machines.all_values():
        yield machine["definition"]
    for execution in stepfunctions._executions.all_values():
        if execution["status"] != "SUCCEEDED":
            yield executions.definition_of(execution) or ""
    for kind in DEPLOYABLE:
        for file in (records / kind).glob("*.json"):
            yield file.read_text(encoding="utf-8")
