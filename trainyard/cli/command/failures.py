"""Turns what a command may fail with into one readable sentence and an exit code; runs on a laptop."""

from __future__ import annotations

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
EXPECTED = (TrainyardError, ClientError, BotoCoreError, OSError)
SYSTEM_ADVICE = "Check that it exists, that you may use it, and that there is room."
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
        "Is the local cloud up (`trainyard up`), or does the network let you reach AWS?",
    ),
    ((BotoCoreError,), "Look at the AWS configuration of this machine."),
)


def explain(error: Exception) -> tuple[str, int]:
    """What happened and what to do, and the exit code. `error` is one of EXPECTED."""
    if isinstance(error, TrainyardError):
        return str(error), error.exit_code
    if isinstance(error, ClientError):
        return _of_aws(error), 1
    if isinstance(error, OSError):
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        return f"{what.rstrip('. ')}. {SYSTEM_ADVICE}", 1
    advice = next(text for kinds, text in ADVICE if isinstance(error, kinds))
    return f"{str(error).rstrip('. ')}. {advice}", 1


def _of_aws(error: ClientError) -> str:
    code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    said = f"{error.operation_name} was refused: {code}: {message}".rstrip(". ")
    if code in EXPIRED:
        return f"{said}. The credentials are not or no longer valid; sign in again."
    if code in FORBIDDEN:
        return f"{said}. Ask for this permission, or use a profile that has it."
    return f"{said}. See the message; `trainyard status` shows what is deployed."
