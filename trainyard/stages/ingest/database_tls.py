"""How connections to a source database are encrypted and its server is verified, and what is said where it fails."""

from __future__ import annotations

import contextlib
import importlib.resources
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from trainyard.errors import JobFailed

PEM_START = "-----BEGIN CERTIFICATE-----"
EXPIRED, OTHER_HOST = (10,), (62, 64)
# What libpq says, which gives no numbers.
LIBPQ = (
    ("does not match host name", "names another host"),
    ("certificate verify failed", "is of an authority that is not trusted, or has expired"),
    ("certificate has expired", "has expired"),
)
NO_TLS = ("server does not support SSL", "server doesn't support it")


def authorities(url: sa.URL, scratch: Path) -> Path:
    """The file with the authorities that are trusted: the secret's own, as text or as a path, or the system's.

    Raises JobFailed where the secret names a file that is not there.
    """
    said = str(url.query.get("sslrootcert", "")).strip()
    if said.startswith(PEM_START):
        file = scratch / "authorities.pem"
        file.write_text(f"{said}\n", encoding="utf-8")
        return file
    if said and said != "system":
        if not Path(said).is_file():
            raise JobFailed(
                "Expected sslrootcert in the database secret to be certificates in PEM, or the path of a file with "
                "them, found neither; put the text of the bundle into the secret."
            )
        return Path(said)
    return _of_the_system()


def mysql_arguments(url: sa.URL, scratch: Path) -> dict[str, Any]:
    """What PyMySQL is told about encryption."""
    mode = url.query["sslmode"]
    if mode == "disable":
        return {"ssl_disabled": True}
    if mode == "require":
        unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
        return {"ssl": unverified}
    context = _verifying(authorities(url, scratch))
    context.check_hostname = mode == "verify-full"
    return {"ssl": context}


def postgres_arguments(url: sa.URL, scratch: Path) -> dict[str, Any]:
    """What libpq is told about encryption, whatever the environment says."""
    mode = url.query["sslmode"]
    arguments = {"sslmode": mode, "gssencmode": "disable"}
    if str(mode).startswith("verify"):
        arguments["sslrootcert"] = str(authorities(url, scratch))
    return arguments


def _verifying(file: Path) -> ssl.SSLContext:
    context: ssl.SSLContext | None = None
    with contextlib.suppress(ssl.SSLError):
        context = ssl.create_default_context(cafile=str(file))
    # Not chained to what OpenSSL says, which nobody understands.
    if context is None:
        raise JobFailed(
            "Expected sslrootcert in the database secret to hold certificates in PEM, found none that can be read; "
            "put the whole text of the bundle into the secret."
        )
    # Servers' own authorities often lack what RFC 5280 asks of them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def failure(error: BaseException) -> str:
    """The sentence for a server that could not be verified; empty for other errors."""
    chain = list(_chain(error))
    known = next((each for each in chain if isinstance(each, ssl.SSLCertVerificationError)), None)
    if known is not None:
        return _untrusted(_reason(known.verify_code))
    text = " ".join(map(str, chain))
    if any(words in text for words in NO_TLS):
        return (
            "Expected the database that the secret names to offer TLS, found that it offers none; switch it on "
            "there, or set sslmode to disable in the secret where job and database share a network."
        )
    return next((_untrusted(reason) for words, reason in LIBPQ if words in text), "")


def _untrusted(reason: str) -> str:
    return (
        "Expected the database that the secret names to show a certificate that is trusted and names its host, found "
        f"one that {reason}; put the certificates of its authority into sslrootcert of the secret (for RDS, the bundle "
        "of its region), or use the host that the certificate names."
    )


def _reason(code: int) -> str:
    if code in EXPIRED:
        return "has expired"
    return "names another host" if code in OTHER_HOST else "is of an authority that is not trusted"


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, BaseException) and each not in seen:
            seen.append(each)
            yield each
            # PyMySQL keeps what happened below it under a name of its own.
            waiting += [getattr(each, name, None) for name in ("orig", "original_exception", "__cause__")]


def _of_the_system() -> Path:
    known = ssl.get_default_verify_paths().cafile
    # Some images have no store of their own; the one for AWS's own addresses comes with its library.
    return Path(known) if known else Path(str(importlib.resources.files("botocore") / "cacert.pem"))
