"""A boto3 session of a local cloud that can be handed to other libraries: its clients find their way; on a laptop."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

# A proxy of the shell is no way to this machine's own port; buckets have no host names there.
THERE = Config(s3={"addressing_style": "path"}, proxies={})


class LocalSession(boto3.Session):
    """Makes clients and resources of the local cloud, as boto3's own session makes those of AWS.

    awswrangler, the SageMaker SDK and others take a session, and know nothing of an endpoint and its certificate.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        """`variables` are those of a running local cloud; nothing that is set up for AWS is read."""
        super().__init__(
            botocore_session=_without_profiles(),
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            region_name=variables["AWS_REGION"],
        )
        self._there = {"endpoint_url": variables["AWS_ENDPOINT_URL"], "verify": variables.get("AWS_CA_BUNDLE")}

    def client(self, *arguments: Any, **options: Any) -> Any:
        """A client of a service; takes what boto3's takes."""
        return super().client(*arguments, **self._directed(options))

    def resource(self, *arguments: Any, **options: Any) -> Any:
        """A resource of a service; takes what boto3's takes."""
        return super().resource(*arguments, **self._directed(options))

    def _directed(self, options: Mapping[str, Any]) -> dict[str, Any]:
        given = {name: value for name, value in options.items() if value is not None}
        asked = given.pop("config", None)
        return {**self._there, **given, "config": asked.merge(THERE) if asked else THERE}


def _without_profiles() -> botocore.session.Session:
    """A session that knows no profile of this machine: one that the shell names need not exist there."""
    nothing = {"profile": None, "config_file": os.devnull, "credentials_file": os.devnull}
    return botocore.session.Session(session_vars={name: (None, None, value, None) for name, value in nothing.items()})
