"""One thing that was looked at: there, missing, or not to be found out; runs on a laptop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from botocore.exceptions import BotoCoreError, ClientError

from trainyard.client.failures import FORBIDDEN


class Status(StrEnum):
    """What came of a look."""

    OK = "ok"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Check:
    """A look: `said` is what was found, `advice` what to do about it, empty where there is nothing to do."""

    name: str
    status: Status
    said: str
    advice: str = ""


def ok(name: str, said: str, *, advice: str = "") -> Check:
    """What is there."""
    return Check(name=name, status=Status.OK, said=said, advice=advice)


def missing(name: str, said: str, *, advice: str) -> Check:
    """What has to be there, and how it comes there."""
    return Check(name=name, status=Status.MISSING, said=said, advice=advice)


def unknown(name: str, said: str, *, advice: str = "") -> Check:
    """What could not be found out."""
    return Check(name=name, status=Status.UNKNOWN, said=said, advice=advice)


def asked(name: str, look: Callable[[], Check]) -> Check:
    """What a look at AWS says; where AWS does not answer, that nobody knows. Nothing of AWS is raised."""
    try:
        return look()
    except (ClientError, BotoCoreError) as error:
        return unanswered(name, error)


def unanswered(name: str, error: ClientError | BotoCoreError) -> Check:
    """What AWS did not answer, and how it would."""
    if not isinstance(error, ClientError):
        return unknown(name, sentence(error), advice="Does the network let you reach AWS?")
    forbidden = error.response["Error"].get("Code", "") in FORBIDDEN
    return unknown(
        name, sentence(error), advice=f"Use a profile that may call {error.operation_name}." if forbidden else ""
    )


def sentence(error: Exception) -> str:
    """What an error says, on one line that ends in a full stop."""
    return f"{' '.join(str(error).split()).rstrip('. ')}."
