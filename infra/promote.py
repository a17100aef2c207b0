"""`make promote`: copies the images of one assembly into the account of another, by digest; runs in the pipeline.

The CDK builds an image where the repository lacks its tag, the hash of its sources. So what was copied before a
deployment is what gets deployed, to the byte: each blob is checked by the registry, which computes its digest itself,
and so is the manifest. Within one account and region the images are there already.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import boto3

from infra.settings import PROJECT
from trainyard.errors import NotFound, TrainyardError

# What the CDK builds: one platform, and so no list of manifests.
MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
)
SECONDS = 60
SOURCE_ACCOUNT = "SOURCE_ACCOUNT"


@dataclass(frozen=True, kw_only=True)
class Repository:
    """One repository of images, and the client that may read or write it."""

    ecr: Any
    name: str

    def find(self, tag: str) -> dict[str, Any] | None:
        """The image of a tag with its manifest, None where there is none."""
        asked = {"imageIds": [{"imageTag": tag}], "acceptedMediaTypes": list(MANIFESTS)}
        images = self.ecr.batch_get_image(repositoryName=self.name, **asked)["images"]
        return images[0] if images else None

    def lacks(self, digests: list[str]) -> list[str]:
        """Those of the blobs that are not here."""
        answer = self.ecr.batch_check_layer_availability(repositoryName=self.name, layerDigests=digests)
        there = {each["layerDigest"] for each in answer["layers"] if each["layerAvailability"] == "AVAILABLE"}
        return [each for each in digests if each not in there]


def places(assembly: Path) -> dict[str, Mapping[str, str]]:
    """Where every image of a synthesized assembly goes, by the hash of its sources.

    `repositoryName`, `assumeRoleArn` and `imageTag`, which begins with the environment's name and ends in that hash.
    """
    found = {}
    for file in sorted(assembly.glob("*.assets.json")):
        for name, image in json.loads(file.read_text(encoding="utf-8"))["dockerImages"].items():
            [found[name]] = image["destinations"].values()
    return found


def resolved(text: str, *, account: str, region: str) -> str:
    """A name in an assembly that was synthesized for any account and region."""
    named = {"AWS::Partition": "aws", "AWS::AccountId": account, "AWS::Region": region}
    for name, value in named.items():
        text = text.replace(f"${{{name}}}", value)
    return text


def copy(tag: str, *, new_tag: str, source: Repository, target: Repository) -> str:
    """Copy an image where it is missing, and return its digest. Raises NotFound, TrainyardError for another image."""
    image = source.find(tag)
    if image is None:
        raise NotFound(f"Expected the image {tag} in {source.name}, found none: deploy the source environment first.")
    digest = str(image["imageId"]["imageDigest"])
    there = target.find(new_tag)
    if there is None:
        _write(image, tag=new_tag, source=source, target=target)
    elif there["imageId"]["imageDigest"] != digest:
        raise TrainyardError(
            f"Expected the image {new_tag} in {target.name} to be {digest}, found "
            f"{there['imageId']['imageDigest']}, which was built there: remove it from the repository, and promote "
            "again."
        )
    return digest


def _write(image: Mapping[str, Any], *, tag: str, source: Repository, target: Repository) -> None:
    manifest = json.loads(image["imageManifest"])
    blobs = [manifest["config"]["digest"], *(each["digest"] for each in manifest["layers"])]
    for blob in target.lacks(list(dict.fromkeys(blobs))):
        _copy_blob(blob, source=source, target=target)
    target.ecr.put_image(
        repositoryName=target.name,
        imageManifest=image["imageManifest"],
        imageManifestMediaType=image["imageManifestMediaType"],
        imageTag=tag,
        imageDigest=image["imageId"]["imageDigest"],
    )


def _copy_blob(digest: str, *, source: Repository, target: Repository) -> None:
    url = source.ecr.get_download_url_for_layer(repositoryName=source.name, layerDigest=digest)["downloadUrl"]
    upload = target.ecr.initiate_layer_upload(repositoryName=target.name)
    to = {"repositoryName": target.name, "uploadId": upload["uploadId"]}
    first = 0
    for part in _parts(url, size=upload["partSize"]):
        last = first + len(part) - 1
        target.ecr.upload_layer_part(**to, partFirstByte=first, partLastByte=last, layerPartBlob=part)
        first = last + 1
    target.ecr.complete_layer_upload(**to, layerDigests=[digest])


def _parts(url: str, *, size: int) -> Iterator[bytes]:
    with urlopen(url, timeout=SECONDS) as answer:  # noqa: S310 - ECR's own address
        while part := answer.read(size):
            yield part


def _client(role: str, *, region: str) -> Any:
    """ECR with the credentials of a role."""
    given = boto3.client("sts").assume_role(RoleArn=role, RoleSessionName=f"{PROJECT}-promote")["Credentials"]
    return boto3.client(
        "ecr",
        region_name=region,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


def _repository(place: Mapping[str, str], *, account: str, region: str, reading: bool) -> Repository:
    """The repository at a place of an assembly; who only reads takes the role that the other account lends."""
    role = resolved(place["assumeRoleArn"], account=account, region=region)
    if reading:
        role = role.replace("-image-publishing-role-", "-lookup-role-")
    name = resolved(place["repositoryName"], account=account, region=region)
    return Repository(ecr=_client(role, region=region), name=name)


def main(source: Path, target: Path) -> None:
    """Copy every image of the assembly `target` from where `source` was deployed, and print the digests."""
    account, region = boto3.client("sts").get_caller_identity()["Account"], boto3.Session().region_name or ""
    before = places(source)
    for name, place in places(target).items():
        if name not in before:
            raise NotFound(f"Expected the image {name} of {target} in {source} too: synthesize both from one commit.")
        there = os.environ.get(SOURCE_ACCOUNT) or account
        read = _repository(before[name], account=there, region=region, reading=there != account)
        write = _repository(place, account=account, region=region, reading=False)
        tag = place["imageTag"]
        digest = copy(before[name]["imageTag"], new_tag=tag, source=read, target=write)
        sys.stdout.write(f"{write.name}:{tag} is {digest}, as in {read.name}\n")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except TrainyardError as error:
        sys.exit(str(error))
