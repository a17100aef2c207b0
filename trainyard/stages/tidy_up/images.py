"""Container images that nothing can run any more; in a Lambda.

They lie in a repository that all stacks of the account share; the tags of an environment's own begin with its name and
end in the hash of their sources. Every deployment that changes code adds two, of 1.5 GB each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from datetime import datetime
from typing import Any

from trainyard.errors import TrainyardError
from trainyard.stages.tidy_up.versions import published

# Of BatchDeleteImage.
IMAGES_AT_ONCE = 100


def remove_images(repository: str, *, prefix: str, before: datetime, named: Set[str], ecr: Any) -> int:
    """Delete an environment's images that were pushed before a time and that nothing names; returns how many.

    `named` are the texts that name images which may still run. Raises TrainyardError where the repository refuses.
    """
    tag = re.compile(rf"{re.escape(prefix)}-[0-9a-f]{{64}}")
    used = {each for text in named for each in tag.findall(text)}
    pages = ecr.get_paginator("describe_images").paginate(repositoryName=repository, filter={"tagStatus": "TAGGED"})
    old = [
        each
        for page in pages
        for image in page["imageDetails"]
        for each in image["imageTags"]
        if image["imagePushedAt"] < before and tag.fullmatch(each) and each not in used
    ]
    for first in range(0, len(old), IMAGES_AT_ONCE):
        asked = [{"imageTag": each} for each in old[first : first + IMAGES_AT_ONCE]]
        refused = ecr.batch_delete_image(repositoryName=repository, imageIds=asked).get("failures")
        if refused:
            raise TrainyardError(f"Expected to delete an image: {refused[0].get('failureReason', refused[0])}")
    return len(old)


def naming(machine_arn: str, *, prefix: str, states: Any, sagemaker: Any) -> Iterator[str]:
    """The definitions of the machine and of its versions, which stay while an execution of theirs can go on; and the
    images of the models that are left.
    """
    versions = [each["stateMachineVersionArn"] for each in published(machine_arn, states=states)]
    for arn in (machine_arn, *versions):
        yield states.describe_state_machine(stateMachineArn=arn)["definition"]
    for page in sagemaker.get_paginator("list_models").paginate(NameContains=f"{prefix}-model-"):
        for each in page["Models"]:
            yield sagemaker.describe_model(ModelName=each["ModelName"])["PrimaryContainer"]["Image"]
