"""Servers are verified unless a secret says otherwise, and what is wrong with one is said in a sentence."""

from __future__ import annotations

import json
import traceback

import pytest
import sqlalchemy as sa

from tests.recipes.propensity import certificates, mariadb, postgres
from trainyard.errors import JobFailed
from trainyard.stages.ingest import database

SERVERS = {"mysql": mariadb, "postgres": postgres}
SETTINGS = {
    "mysql": ["--ssl-cert={folder}/server.crt", "--ssl-key={folder}/server.key"],
    "postgres": ["ssl=on", "ssl_cert_file=server.crt", "ssl_key_file=server.key"],
}
PASSWORD = "pä密@:/?#%41 \\'\""
QUERY = {
    "mysql": "SELECT variable_value FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher'",
    "postgres": "SELECT cipher FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
}
ZONE = {"mysql": "SELECT @@session.time_zone", "postgres": "SHOW TIME ZONE"}


@pytest.fixture(scope="module", params=SERVERS)
def server(request, tmp_path_factory):
    """The kind of a server with a certificate, its address and the file of its authority."""
    if SERVERS[request.param].programs() is None:
        pytest.skip(f"{request.param} is not installed")
    folder = tmp_path_factory.mktemp("authorities")
    authority = certificates.make(folder / "right")
    with SERVERS[request.param].running(SETTINGS[request.param], files=folder / "right") as url:
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            quoted = PASSWORD.replace("'", "''")
            if request.param == "mysql":
                quoted = quoted.replace("\\", "\\\\")
                sentence = f"SET PASSWORD = PASSWORD('{quoted}')"
            else:
                sentence = f"ALTER USER {url.username} PASSWORD '{quoted}'"
            connection.exec_driver_sql(sentence.replace("%", "%%"))
            connection.commit()
        engine.dispose()
        yield request.param, url, authority


def secret_of(kind, url, **more):
    fields = {"engine": kind, "host": url.host, "port": url.port, "dbname": url.database, "username": url.username}
    return json.dumps({**fields, "password": PASSWORD, **more})


def asked(secret, query):
    with database.connect(database.url_of_secret(secret)) as connection:
        return connection.execute(sa.text(query)).scalar_one()


def test_a_server_of_a_known_authority_is_read_over_tls(server):
    kind, url, authority = server
    for certificate in (str(authority), authority.read_text()):
        secret = secret_of(kind, url, sslrootcert=certificate)
        assert "TLS" in asked(secret, QUERY[kind])
        assert asked(secret, ZONE[kind]) in ("+00:00", "UTC")


def test_a_password_in_any_script_stands_in_a_url_as_it_is(server):
    kind, url, authority = server
    raw = PASSWORD.replace("%", "%25")
    address = f"{kind}://{url.username}:{raw}@{url.host}:{url.port}/{url.database}?ssl-mode=VERIFY_IDENTITY"
    assert "TLS" in asked(json.dumps({"url": address, "ssl_ca": str(authority)}), QUERY[kind])


def test_encryption_alone_and_none_have_to_be_asked_for(server):
    kind, url, _ = server
    assert "TLS" in asked(secret_of(kind, url, sslmode="require"), QUERY[kind])
    assert not asked(secret_of(kind, url, sslmode="disable"), QUERY[kind])


@pytest.mark.parametrize("change", ["another authority", "none", "another host"])
def test_a_server_that_cannot_be_verified_is_refused(server, change, tmp_path):
    kind, url, authority = server
    more = {
        "another authority": {"sslrootcert": str(certificates.make(tmp_path / "other"))},
        "none": {},
        "another host": {"sslrootcert": str(authority), "host": "localhost"},
    }[change]
    with pytest.raises(JobFailed) as refused:
        asked(secret_of(kind, url, **more), QUERY[kind])
    assert ("names another host" if change == "another host" else "authority that is not trusted") in str(refused.value)
    shown = "".join(traceback.format_exception(refused.value))
    assert PASSWORD not in shown and url.username not in shown.split() and "127.0.0.1" not in shown
    if change == "another host":
        assert "TLS" in asked(secret_of(kind, url, **more, sslmode="verify-ca"), QUERY[kind])


@pytest.mark.parametrize("kind", SERVERS)
def test_expired_certificates_and_servers_without_tls_are_refused(kind, tmp_path, request):
    if SERVERS[kind].programs() is None:
        pytest.skip(f"{kind} is not installed")
    authority = certificates.make(tmp_path / "expired", days=-1)
    with (
        SERVERS[kind].running(SETTINGS[kind], files=tmp_path / "expired") as url,
        pytest.raises(JobFailed, match="expired"),
    ):
        asked(secret_of(kind, url, sslrootcert=str(authority)), QUERY[kind])
    plain = request.getfixturevalue({"mysql": "mariadb_url", "postgres": "postgres_url"}[kind])
    with pytest.raises(JobFailed, match="offers none"):
        asked(secret_of(kind, plain), QUERY[kind])


def test_certificates_that_are_none_are_said(tmp_path):
    url = sa.URL.create("mysql", host="127.0.0.1", port=9, database="d", username="u")
    with pytest.raises(JobFailed, match="sslrootcert in the database secret to be certificates in PEM"):
        asked(secret_of("mysql", url, sslrootcert=str(tmp_path / "missing.pem")), "SELECT 1")
    with pytest.raises(JobFailed, match="found none that can be read"):
        asked(secret_of("mysql", url, sslrootcert="-----BEGIN CERTIFICATE-----\nnothing"), "SELECT 1")
