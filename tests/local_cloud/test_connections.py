"""A connection lasts as long as its client keeps it, and no longer; one that the server ended is opened again."""

from __future__ import annotations

import asyncio
import gc
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import pytest
from hypercorn.asyncio.tcp_server import TCPServer

from local_cloud import certificates, connections
from local_cloud.certificates import Certificate
from tests.local_cloud.conftest import free_port

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
# Far less than the 75 s that an idle connection may stay open, far more than a busy machine needs to end one.
PATIENCE_SECONDS = 40.0
BUCKETS = b"<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>"


@dataclass
class Served:
    """A server in this process whose answers wait for `may_answer`."""

    port: int
    certificate: Certificate
    asked_from: list[int] = field(default_factory=list)
    may_answer: threading.Event = field(default_factory=threading.Event)
    ends: threading.Event = field(default_factory=threading.Event)

    async def application(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            return
        self.asked_from.append(scope["client"][1])
        await asyncio.to_thread(self.may_answer.wait)
        length = [(b"content-length", str(len(BUCKETS)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await send({"type": "http.response.body", "body": BUCKETS})

    def connected(self) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self.certificate.authority))
        return context.wrap_socket(socket.create_connection(("localhost", self.port)), server_hostname="localhost")


def until(come: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not come() and time.monotonic() < deadline:
        time.sleep(0.05)
    return come()


def kept() -> int:
    """How many connections hypercorn still keeps something of."""
    gc.collect()
    return sum(isinstance(each, TCPServer) for each in gc.get_objects())


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def idle_seconds() -> float:
    return connections.IDLE_SECONDS


@pytest.fixture
def served(tmp_path: Path, idle_seconds: float) -> Iterator[Served]:
    served = Served(free_port(), certificates.ensure(tmp_path))
    served.may_answer.set()
    serving = connections.serve(
        served.application,
        served.port,
        certificate=served.certificate,
        ending=lambda: asyncio.to_thread(served.ends.wait),
        idle_seconds=idle_seconds,
    )
    thread = threading.Thread(target=asyncio.run, args=[serving])
    thread.start()
    assert until(lambda: listens(served.port))
    yield served
    served.may_answer.set()
    served.ends.set()
    thread.join()


def nothing(served: Served, connection: ssl.SSLSocket) -> None:
    """A client that connects and leaves."""


def answered(served: Served, connection: ssl.SSLSocket) -> None:
    """A client that leaves after its answer."""
    connection.sendall(REQUEST)
    assert b" 200 " in connection.recv(100)


def not_awaited(served: Served, connection: ssl.SSLSocket) -> None:
    """A client that leaves before its answer."""
    served.may_answer.clear()
    connection.sendall(REQUEST)
    assert until(lambda: bool(served.asked_from))


def half_asked(served: Served, connection: ssl.SSLSocket) -> None:
    """A client that leaves in the middle of its request."""
    connection.sendall(REQUEST[:20])


@pytest.mark.parametrize("use", [nothing, answered, not_awaited, half_asked], ids=lambda each: each.__name__)
def test_nothing_is_kept_of_a_connection_that_its_client_closed(
    use: Callable[[Served, ssl.SSLSocket], None], served: Served
) -> None:
    assert until(lambda: kept() == 0)
    with served.connected() as connection:
        use(served, connection)
        assert until(lambda: kept() == 1)
    served.may_answer.set()
    assert until(lambda: kept() == 0)


def test_a_connection_that_its_client_keeps_serves_again(served: Served) -> None:
    context = ssl.create_default_context(cafile=str(served.certificate.authority))
    client = http.client.HTTPSConnection("localhost", served.port, context=context)
    for _ in range(2):
        client.request("GET", "/")
        client.getresponse().read()
    client.close()
    assert len(set(served.asked_from)) == 1


@pytest.mark.parametrize("idle_seconds", [0.1])
def test_boto3_opens_a_connection_anew_that_was_idle_for_too_long(served: Served) -> None:
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=f"https://localhost:{served.port}",
        region_name="us-east-1",
        verify=str(served.certificate.authority),
        aws_access_key_id="AKIAANY",
        aws_secret_access_key="any",
    )
    client.list_buckets()
    assert until(lambda: kept() == 0)
    client.list_buckets()
    client.close()
    assert len(set(served.asked_from)) == 2
