"""The local cloud's TLS certificate: a throw-away authority and one certificate for localhost, made on the laptop."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from local_cloud.state import write_private

VALID_FOR = dt.timedelta(days=397)
RENEW_BEFORE = dt.timedelta(days=7)


@dataclass(frozen=True)
class Certificate:
    """Where the PEM files lie: what the server presents, its key, and the authority that clients must trust."""

    chain: Path
    key: Path
    authority: Path


def paths(directory: Path) -> Certificate:
    """Where the files of a certificate lie in `directory`."""
    return Certificate(directory / "server.pem", directory / "server.key", directory / "authority.pem")


def ensure(directory: Path) -> Certificate:
    """Return the certificate kept in `directory`, making a new one when there is none to use for a week."""
    certificate = paths(directory)
    if not _usable(certificate):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _issue(certificate)
    return certificate


def _usable(certificate: Certificate) -> bool:
    """Whether the three files belong together and will for a while; half-written ones do not."""
    try:
        served = x509.load_pem_x509_certificate(certificate.chain.read_bytes())
        authority = x509.load_pem_x509_certificate(certificate.authority.read_bytes())
        key = serialization.load_pem_private_key(certificate.key.read_bytes(), password=None)
        served.verify_directly_issued_by(authority)
        names = served.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    lasts = served.not_valid_after_utc - dt.datetime.now(dt.UTC) > RENEW_BEFORE
    return lasts and names == _alternative_names() and served.public_key() == key.public_key()


def _issue(certificate: Certificate) -> None:
    """Sign one certificate. The authority's key is never written: nobody can sign another one with it."""
    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority_name = _name("trainyard local authority")
    authority = (
        _builder(authority_name, key=authority_key.public_key(), issuer=authority_name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    served = (
        _builder(_name("localhost"), key=server_key.public_key(), issuer=authority_name)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_alternative_names(), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    private = server_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(certificate.key, private.decode())
    # Lambda workers are told to trust the file the server presents, so the authority travels with it.
    write_private(certificate.chain, _pem(served) + _pem(authority))
    write_private(certificate.authority, _pem(authority))


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject: x509.Name, *, key: ec.EllipticCurvePublicKey, issuer: x509.Name) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + VALID_FOR)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative_names() -> x509.SubjectAlternativeName:
    """localhost by name and number, and under it what clients put into the host: buckets and HTTP APIs."""
    return x509.SubjectAlternativeName(
        [
            x509.DNSName("localhost"),
            x509.DNSName("*.localhost"),
            x509.DNSName("*.execute-api.localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            x509.IPAddress(ipaddress.ip_address("::1")),
        ]
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
