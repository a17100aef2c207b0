"""Makes an authority and certificates of a server, as a database has them, with what is locked for TLS anyway."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


def make(folder: Path, *, address: str = "127.0.0.1", days: int = 2) -> Path:
    """`server.crt` and `server.key` in `folder` for an address; the file with the authority, in the folder above.

    With negative `days` it has expired.
    """
    folder.mkdir(parents=True)
    own, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Authority of {folder.name}")])
    authority = _begun(name, name, own, days=9).add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    shown = _begun(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "db")]), name, server, days=days)
    shown = shown.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), False)
    (folder / "server.crt").write_bytes(shown.sign(own, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "server.key").write_bytes(server.private_bytes(serialization.Encoding.PEM, *plain))
    file = folder.parent / f"{folder.name}.pem"
    file.write_bytes(authority.sign(own, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return file


def _begun(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: int):
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - 5 * DAY)
    return builder.not_valid_after(now + days * DAY)
