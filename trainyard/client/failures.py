"""Turns what a call of AWS or of this machine fails with into one readable sentence and an exit code; on a laptop."""

from __future__ import annotations

import builtins
import errno
import os
import socket
import ssl

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSLError,
)

from trainyard.errors import TrainyardError

EXPIRED = (
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
)
FORBIDDEN = ("AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation", "403")
EXPECTED = (TrainyardError, ClientError, BotoCoreError, OSError, UnicodeEncodeError)
SYSTEM_ADVICE = "Check that it exists, that you may use it, and that there is room."
SYSTEM_ADVICES = {
    errno.ENOENT: "Check how it is written, and that it exists.",
    errno.EISDIR: "Name a file instead of a folder.",
    errno.ENOTDIR: "Name a folder instead of a file.",
    errno.EEXIST: "Name another, or remove it.",
    errno.ENOTEMPTY: "Name another, or empty it.",
    errno.ENAMETOOLONG: "Choose a shorter name.",
    errno.ENOSPC: "Make room on that disk, and call it again.",
    errno.EDQUOT: "Make room within your quota, and call it again.",
    errno.EFBIG: "Write to a place that takes files of this size (`ulimit -f`).",
    errno.EROFS: "Name a place that can be written to.",
    errno.EMFILE: "Raise the limit of open files (`ulimit -n`), and call it again.",
}
NETWORK_ADVICE = "Is the local cloud up (`trainyard up`), or does the network let you reach AWS?"
NETWORK = (builtins.ConnectionError, builtins.TimeoutError, socket.gaierror, ssl.SSLError)
NO_ANSWER = "That was no answer of AWS: do AWS_ENDPOINT_URL and the proxy settings name the right one?"
# The first that fits counts: an SSLError is a ConnectionError too.
ADVICE: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    (
        (NoCredentialsError, PartialCredentialsError),
        "Sign in (`aws sso login`, AWS_PROFILE), or start the local cloud with `trainyard up`.",
    ),
    ((ProfileNotFound,), "Set AWS_PROFILE to one that `aws configure list-profiles` names."),
    ((SSLError,), "Is AWS_CA_BUNDLE the certificate of this endpoint? For the local cloud: `trainyard env`."),
    (
        (ConnectionError, HTTPClientError),
        NETWORK_ADVICE,
    ),
    ((BotoCoreError,), "Look at the AWS configuration of this machine."),
)


def expected(error: Exception) -> bool:
    """Whether this may be met: `explain` has a sentence for it."""
    if isinstance(error, EXPECTED):
        return True
    return isinstance(error, _kinds_of_boto3())


def explain(error: Exception) -> tuple[str, int]:
    """What happened and what to do, and the exit code. `error` is an expected one."""
    if isinstance(error, TrainyardError):
        return str(error), error.exit_code
    if isinstance(error, ClientError):
        return _of_aws(error), 1
    # Before the system's: a certificate that botocore refuses is an OSError too.
    if isinstance(error, BotoCoreError):
        advice = next(text for kinds, text in ADVICE if isinstance(error, kinds))
        return _advised(error, advice), 1
    if isinstance(error, OSError):
        return _of_system(error), 1
    if isinstance(error, UnicodeEncodeError):
        return f"Expected text, found bytes that are none: {ascii(error.object)[:60]}. Write it in UTF-8.", 2
    transfer, _ = _kinds_of_boto3()
    return _of_transfer(error) if isinstance(error, transfer) else (_advised(error, NO_ANSWER), 1)


def _of_system(error: OSError) -> str:
    said = error.strerror or str(error) or type(error).__name__
    # The one path that the system looks for without naming it is that of the shell's own folder, which was removed.
    path = "." if error.errno == errno.ENOENT and error.filename is None else error.filename
    what = f"{os.fsdecode(path)}: {said}" if isinstance(path, str | bytes) else said
    network = isinstance(error, NETWORK)
    advice = NETWORK_ADVICE if network else SYSTEM_ADVICES.get(error.errno or 0, SYSTEM_ADVICE)
    return f"{what.rstrip('. ')}. {advice}"


def _kinds_of_boto3() -> tuple[type[Exception], type[Exception]]:
    """What boto3's transfers raise, and what stands for an answer that is none."""
    # Here, for they take .3 s to load, and commands without a cloud do without them.
    from boto3.exceptions import Boto3Error
    from botocore.parsers import ResponseParserError

    return Boto3Error, ResponseParserError


def _of_transfer(error: Exception) -> tuple[str, int]:
    """An upload or download of several parts hides what ended it."""
    inner = getattr(error, "last_exception", None) or error.__context__
    if isinstance(inner, Exception) and expected(inner):
        return explain(inner)
    return _advised(error, NETWORK_ADVICE), 1


def _advised(error: Exception, advice: str) -> str:
    return f"{str(error).rstrip('. ')}. {advice}"


def _of_aws(error: ClientError) -> str:
    code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    said = f"{error.operation_name} was refused: {code}: {message}".rstrip(". ")
    if code in EXPIRED:
        return f"{said}. The credentials are not or no longer valid; sign in again."
    if code in FORBIDDEN:
        return f"{said}. Ask for this permission, or use a profile that has it."
    return f"{said}. See the message; `trainyard status` shows what is deployed."
