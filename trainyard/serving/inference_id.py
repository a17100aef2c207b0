"""What a caller calls its request, so that what becomes known later can be joined with it; standard library only.

SageMaker documents for its custom attributes alone that they reach the container and come back from it. So a request
may be named there too, as `inference_id=NAME`, and there the answer says what it is called.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from trainyard.errors import Refused

HEADER, ATTRIBUTES = "x-amzn-sagemaker-inference-id", "x-amzn-sagemaker-custom-attributes"
# As long as SageMaker's own; a comma or semicolon would end it among the custom attributes.
NAME = re.compile(r"[!-+\--:<-~]{1,64}")
ATTRIBUTE = re.compile(r"(?:^|[;,\s])inference_id=([^;,\s]*)")
# What the smoke test of a deployment calls its requests, which are nobody's.
SMOKE_TEST = "trainyard-smoke-test"


def given(headers: Mapping[bytes, bytes]) -> str:
    """What the headers of a request call it; empty for nothing. Raises Refused for what is no name."""
    if name := headers.get(HEADER.encode()):
        return checked(name.decode("latin-1").strip())
    attributes = headers.get(ATTRIBUTES.encode())
    found = ATTRIBUTE.search(attributes.decode("latin-1")) if attributes else None
    return checked(found[1]) if found else ""


def checked(name: str) -> str:
    """A name of a request as a caller gave it. Raises Refused (400) for one that is none."""
    if NAME.fullmatch(name):
        return name
    raise Refused(
        400,
        "Expected an inference id of 1 to 64 visible characters of ASCII, none a comma or semicolon; found "
        f"{name!r:.100}.",
    )


def answered(attributes: str) -> str:
    """What the custom attributes of an answer call the request; empty where it was not kept."""
    found = ATTRIBUTE.search(attributes)
    return found[1] if found else ""


def asked(name: str) -> dict[str, str]:
    """The parameters of InvokeEndpoint that name a request; none for an empty name."""
    return {"InferenceId": name, "CustomAttributes": attribute(name)} if name else {}


def attribute(name: str) -> str:
    """The value of the custom attributes that names a request."""
    return f"inference_id={name}"
