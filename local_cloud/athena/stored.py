"""Puts what a query has made into S3, without a request of its own; runs in the server."""

from __future__ import annotations

from urllib.parse import urlsplit

from ministack.services import s3

from trainyard.errors import TrainyardError


def put(uri: str, body: bytes) -> None:
    """Write an object. Raises TrainyardError in the words of S3, such as for a bucket that does not exist."""
    address = urlsplit(uri)
    headers = {"content-type": "application/octet-stream", "content-length": str(len(body))}
    answer = s3._put_object(address.netloc, address.path.lstrip("/"), body, headers)
    if answer[0] >= 300:
        raise TrainyardError(f"Expected to write {uri}; S3 answered {answer[0]}: {answer[2]!r:.500}")
