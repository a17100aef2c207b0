"""Reads the address of a source database out of a secret, as fields or as the URL that people write; runs in Glue.

What is wrong with a secret is said by the names of its fields, never by what is in them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from trainyard.errors import JobFailed

MYSQL, POSTGRES = "mysql+pymysql", "postgresql+psycopg"
# What people and AWS call a kind of database, and the driver of this product for it.
DRIVERS = {
    "mysql": MYSQL,
    "mariadb": MYSQL,
    "aurora-mysql": MYSQL,
    "postgres": POSTGRES,
    "postgresql": POSTGRES,
    "aurora-postgresql": POSTGRES,
    "sqlite": "sqlite",
}
FIELDS = ("username", "password", "host", "port", "dbname", "engine")
MEANT = {"port": "port (a number)", "engine": f"engine (one of {', '.join(DRIVERS)})"}
DEFAULT_PORTS = {MYSQL: 3306, POSTGRES: 5432}
# Whatever is not encoded as it should be belongs to the password: the last @ before a host is the one that counts.
ADDRESS = re.compile(
    r"(?:(?P<username>[^:/]*)(?::(?P<password>.*))?@)?(?P<host>\[[^]]+\]|[^@/?#:\s]+)(?::(?P<port>[0-9]{1,5}))?"
    r"(?:/(?P<dbname>[^?@/#]*))?(?:\?(?P<query>[^@]*))?",
    re.DOTALL,
)
SSL_MODES = {
    "verify-full": "verify-full",
    "verify_identity": "verify-full",
    "verify-ca": "verify-ca",
    "verify_ca": "verify-ca",
    "require": "require",
    "required": "require",
    "disable": "disable",
    "disabled": "disable",
}
SSL_NAMES = {
    "sslmode": "sslmode",
    "ssl-mode": "sslmode",
    "ssl_mode": "sslmode",
    "sslrootcert": "sslrootcert",
    "ssl_ca": "sslrootcert",
    "ssl-ca": "sslrootcert",
}
SCHEMA_NAMES = ("schema", "currentschema")
# What else PostgreSQL's library is told; other parameters are those of other programs.
PASSED_ON = frozenset({"options", "application_name", "target_session_attrs", "channel_binding"})


def url_of_secret(text: str) -> sa.URL:
    """The address in a secret: a JSON object with username, password, host, port, dbname and engine, as RDS keeps it,
    or one with `url`; beside either of them `sslmode` and `sslrootcert`, which are in the query of the result.

    Raises JobFailed naming the fields that are wrong, never what is in them.
    """
    try:
        fields = json.loads(text)
    except ValueError:
        fields = None
    if not isinstance(fields, Mapping):
        raise JobFailed(f"Expected the database secret to be a JSON object with {', '.join(FIELDS)}; it is none.")
    url = _url(str(fields["url"]).strip()) if fields.get("url") else _url_of_fields(fields)
    if url.drivername == "sqlite":
        return url
    return url.set(query=_query(url.drivername, {**url.query, **fields}))


def _url_of_fields(fields: Mapping[str, Any]) -> sa.URL:
    engine = str(fields.get("engine", "")).strip().lower()
    if engine == "sqlite" and fields.get("dbname"):
        return sa.URL.create("sqlite", database=str(fields["dbname"]))
    right = {name: bool(str(fields.get(name, "")).strip()) for name in FIELDS}
    right |= {"port": str(fields.get("port", "")).isdecimal(), "engine": engine in DRIVERS}
    wrong = [MEANT.get(name, name) for name in FIELDS if not right[name]]
    if wrong:
        raise JobFailed(f"Expected the database secret to hold {', '.join(wrong)}; correct the secret.")
    return sa.URL.create(
        DRIVERS[engine],
        username=str(fields["username"]),
        password=str(fields["password"]),
        host=str(fields["host"]),
        port=int(fields["port"]),
        database=str(fields["dbname"]),
    )


def _url(text: str) -> sa.URL:
    scheme, found, rest = text.removeprefix("jdbc:").partition("://")
    # The driver is this product's choice: mysql+mysqldb means MySQL.
    driver = DRIVERS.get(scheme.lower().partition("+")[0])
    if not found or driver is None:
        raise JobFailed(
            f"Expected url in the database secret to begin with one of {', '.join(f'{each}://' for each in DRIVERS)}, "
            "found another text; correct the secret."
        )
    return _of_sqlite(text) if driver == "sqlite" else _of_server(driver, rest)


def _of_sqlite(text: str) -> sa.URL:
    try:
        return sa.make_url(text)
    except ArgumentError:
        # Not chained: SQLAlchemy's message repeats what it could not read.
        pass
    raise JobFailed("Expected url in the database secret to be sqlite:///<path>, found another text; correct it.")


def _of_server(driver: str, rest: str) -> sa.URL:
    parts = ADDRESS.fullmatch(rest)
    if parts is None:
        raise JobFailed(
            "Expected url in the database secret as <kind>://<user>:<password>@<host>:<port>/<database>, found another "
            "text; correct it, or write the fields of the secret one by one."
        )
    # In a query a plus is itself: whoever means a space in a password writes %20.
    query = dict(parse_qsl((parts["query"] or "").replace("+", "%2B")))
    username, password = parts["username"] or query.pop("user", None), parts["password"] or query.pop("password", None)
    return sa.URL.create(
        driver,
        username=unquote(username) if username else None,
        password=unquote(password) if password else None,
        host=parts["host"].strip("[]"),
        port=int(parts["port"] or DEFAULT_PORTS[driver]),
        database=unquote(parts["dbname"]) if parts["dbname"] else None,
        query=query,
    )


def _query(driver: str, said: Mapping[str, Any]) -> dict[str, str]:
    """`sslmode`, `sslrootcert` and what else the driver understands, of fields and parameters in any spelling."""
    known = {name.lower(): str(value) for name, value in said.items() if value}
    query = {SSL_NAMES[name]: value for name, value in known.items() if name in SSL_NAMES}
    mode = SSL_MODES.get(query.get("sslmode", "verify-full").strip().lower())
    if mode is None:
        raise JobFailed(
            "Expected sslmode in the database secret to be verify-full, verify-ca, require or disable, found another; "
            "correct it."
        )
    if driver == POSTGRES:
        query |= {name: value for name, value in known.items() if name in PASSED_ON}
        schema = next((known[name] for name in SCHEMA_NAMES if name in known), "")
        if re.fullmatch(r"\w+", schema):
            query["options"] = f"{query.get('options', '')} -csearch_path={schema}".strip()
    return query | {"sslmode": mode}
