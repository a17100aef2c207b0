"""`make base-image`: writes the newest digest of the images' base into their Dockerfiles; runs where one develops.

A base image that is named by a tag alone changes under the same files, and an image that was built before keeps its
old one, security updates missing. Named by its digest it changes when somebody asks for it, with the tests after it.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from urllib.request import Request, urlopen

from infra.sources import ROOT

DOCKERFILES = tuple(ROOT / each / "Dockerfile" for each in ("processing_container", "training_container"))
BASE = re.compile(r"(?m)^(ARG BASE_IMAGE=(public\.ecr\.aws)/([\w./-]+):([\w.-]+))(?:@sha256:[0-9a-f]{64})?$")
# Of an image for several platforms, the list of them: its digest serves every platform.
LISTS = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json"
SECONDS = 30


def newest(registry: str, repository: str, *, tag: str) -> str:
    """The digest that a tag has now, as `sha256:...`, asked anonymously."""
    scope = f"https://{registry}/token/?service={registry}&scope=repository:{repository}:pull"
    with urlopen(scope, timeout=SECONDS) as answer:
        token = json.load(answer)["token"]
    headers = {"Accept": LISTS, "Authorization": f"Bearer {token}"}
    asked = Request(f"https://{registry}/v2/{repository}/manifests/{tag}", headers=headers, method="HEAD")
    with urlopen(asked, timeout=SECONDS) as answer:  # noqa: S310 - https stands in the line above
        return str(answer.headers["Docker-Content-Digest"])


def renewed(dockerfile: str) -> str:
    """The text of a Dockerfile with the newest digest of its base; raises ValueError where it names none."""
    found = BASE.search(dockerfile)
    if found is None:
        raise ValueError("expected a line ARG BASE_IMAGE=public.ecr.aws/REPOSITORY:TAG, found none")
    return BASE.sub(f"{found[1]}@{newest(found[2], found[3], tag=found[4])}", dockerfile)


def main(dockerfiles: tuple[Path, ...] = DOCKERFILES) -> None:
    """Renew every Dockerfile."""
    for each in dockerfiles:
        each.write_text(renewed(each.read_text(encoding="utf-8")), encoding="utf-8")
        sys.stdout.write(f"{each.parent.name}: {BASE.search(each.read_text(encoding='utf-8'))[0]}\n")  # type: ignore[index]


if __name__ == "__main__":
    main()
