"""What the local cloud makes of a serving container that is slow, gone, talkative, or closes connections it kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from local_cloud.sagemaker.endpoints import client as container_client
from local_cloud.sagemaker.endpoints.client import ContainerClient, TimedOut, TooLarge, Unreachable

from ..conftest import free_port


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(b"{}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"close":
            self.close_connection = True
            return
        if body == b"slow":
            time.sleep(1)
        self._answer(body)
        # The caller is not told that this connection ends here.
        self.close_connection = body == b"last"

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[ContainerClient]:
    monkeypatch.setattr(container_client, "INVOCATION_SECONDS", 0.3)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    made = ContainerClient(server.server_address[1], max_bytes=100)
    yield made
    made.close()
    server.shutdown()
    thread.join()
    server.server_close()


def test_answers_come_back_as_they_are(client: ContainerClient) -> None:
    assert client.ping()
    assert client.invoke(b"x" * 100, {}).body == b"x" * 100


def test_what_cannot_be_handed_on_has_a_name(client: ContainerClient) -> None:
    with pytest.raises(TimedOut, match="no answer within"):
        client.invoke(b"slow", {})
    with pytest.raises(TooLarge, match="more than 100 bytes"):
        client.invoke(b"x" * 101, {})
    with pytest.raises(Unreachable):
        client.invoke(b"close", {})
    assert client.invoke(b"still fine", {}).status == 200


def test_a_kept_connection_that_was_closed_fails_no_call(client: ContainerClient) -> None:
    for _ in range(20):
        assert client.invoke(b"last", {}).body == b"last"


def test_nothing_listens() -> None:
    gone = ContainerClient(free_port(), max_bytes=100)
    assert not gone.ping()
    with pytest.raises(Unreachable):
        gone.invoke(b"", {})
