"""The `aws-sdk:s3:getObject` and `putObject` integrations, which MiniStack lacks; they run on a task's thread."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree

from ministack import app
from ministack.core.responses import get_account_id, get_region

from local_cloud.step_functions.status import execution_error

# Response header -> member of the SDK's answer.
_ANSWERED = {
    "content-length": "ContentLength",
    "content-type": "ContentType",
    "content-encoding": "ContentEncoding",
    "etag": "ETag",
    "last-modified": "LastModified",
    "x-amz-version-id": "VersionId",
    "x-amz-server-side-encryption": "ServerSideEncryption",
}
# Member of the request -> request header.
_ASKED = {
    "ContentType": "content-type",
    "ContentEncoding": "content-encoding",
    "IfMatch": "if-match",
    "IfNoneMatch": "if-none-match",
    "Range": "range",
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    "StorageClass": "x-amz-storage-class",
    "Tagging": "x-amz-tagging",
}
_METADATA = "x-amz-meta-"


def get_object(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """GetObject; the Body is the object's text, as Step Functions gives it."""
    headers, body = _request("GET", arguments)
    return {**_answer(headers), "Body": body.decode()}


def put_object(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """PutObject; a Body that is not text is stored as JSON."""
    body = arguments.get("Body", "")
    headers, _ = _request("PUT", arguments, body=(body if isinstance(body, str) else json.dumps(body)).encode())
    return _answer(headers)


INTEGRATIONS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "arn:aws:states:::aws-sdk:s3:getObject": get_object,
    "arn:aws:states:::aws-sdk:s3:putObject": put_object,
}


def _request(method: str, arguments: Mapping[str, Any], *, body: bytes = b"") -> tuple[dict[str, str], bytes]:
    unknown = set(arguments) - {"Bucket", "Key", "Body", "VersionId", "Metadata", *_ASKED}
    if unknown or not {"Bucket", "Key"} <= set(arguments):
        raise execution_error(
            "States.Runtime",
            f"The local cloud's S3 integration needs Bucket and Key and does not know {sorted(unknown)}: "
            f"add it to {__name__}.",
        )
    headers = {header: str(arguments[member]) for member, header in _ASKED.items() if member in arguments}
    headers |= {f"{_METADATA}{name}": str(value) for name, value in arguments.get("Metadata", {}).items()}
    query = {"versionId": [arguments["VersionId"]]} if "VersionId" in arguments else {}
    path = f"/{arguments['Bucket']}/{arguments['Key']}"
    # The task's permissions were checked already: inside the server the call is the account's own.
    credential = f"AWS4-HMAC-SHA256 Credential={get_account_id()}/20260101/{get_region()}/s3/aws4_request"
    headers |= {"host": "s3.amazonaws.com", "authorization": credential}
    status, answered, content = app.call_service_handler_sync(
        app.SERVICE_HANDLERS["s3"], method, path, headers, body, query
    )
    content = content.encode() if isinstance(content, str) else bytes(content or b"")
    if status >= 400:
        raise _failure(status, content)
    return {name.lower(): value for name, value in answered.items()}, content


def _failure(status: int, content: bytes) -> Exception:
    code, message = "S3", f"S3 answered with status {status}"
    if content:
        root = ElementTree.fromstring(content)  # noqa: S314 - written by this very process
        code, message = root.findtext("Code", code), root.findtext("Message", message)
    # Only few errors are modelled in the SDK; Step Functions names the others after the service.
    name = code if code in {"NoSuchKey", "NoSuchBucket", "InvalidObjectState"} else "S3"
    return execution_error(f"S3.{name}Exception", f"{message} (Service: S3, Status Code: {status}, Error Code: {code})")


def _answer(headers: dict[str, str]) -> dict[str, Any]:
    answer: dict[str, Any] = {member: headers[header] for header, member in _ANSWERED.items() if header in headers}
    if "ContentLength" in answer:
        answer["ContentLength"] = int(answer["ContentLength"])
    answer["Metadata"] = {
        name.removeprefix(_METADATA): value for name, value in headers.items() if name.startswith(_METADATA)
    }
    return answer
