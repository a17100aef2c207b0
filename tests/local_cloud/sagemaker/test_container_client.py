"""Calls of a serving container: an answer that is too large, or comes too slowly, is given up."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pytest

from local_cloud.sagemaker.endpoints import client
from local_cloud.sagemaker.endpoints.client import ContainerClient, TimedOut, TooLarge, Unreachable

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextlib.contextmanager
def container(*parts, pause=0.0):
    """A port where each connection gets these parts, one after the other, for as long as it takes them."""

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(65536)
                    for part in parts:
                        connection.sendall(part)
                        time.sleep(pause)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]


def asked(port, max_bytes=1000):
    calls = ContainerClient(port, max_bytes=max_bytes)
    try:
        return calls.invoke(b"{}", {"Content-Type": "application/json"})
    finally:
        calls.close()


def test_an_answer_comes_whole_with_a_length_and_in_chunks():
    with container(HEAD + b"Content-Length: 6\r\n\r\nabc", b"def") as port:
        assert asked(port).body == b"abcdef"
    with container(HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"3\r\ndef\r\n0\r\n\r\n") as port:
        assert asked(port).body == b"abcdef"


def test_an_answer_that_drips_is_given_up(monkeypatch):
    monkeypatch.setattr(client, "INVOCATION_SECONDS", 1.0)
    drops = [HEAD + b"Content-Length: 10000\r\n\r\n", *[b"x"] * 10_000]
    with container(*drops, pause=0.05) as port, pytest.raises(TimedOut, match="no whole answer"):
        asked(port, max_bytes=20_000)


def test_an_answer_that_does_not_begin_is_given_up(monkeypatch):
    monkeypatch.setattr(client, "INVOCATION_SECONDS", 0.2)
    with container(b"", pause=30) as port, pytest.raises(TimedOut):
        asked(port)


def test_an_answer_that_is_too_large_is_given_up():
    with container(HEAD + b"\r\n" + b"x" * 1001) as port, pytest.raises(TooLarge):
        asked(port)


def test_an_answer_that_breaks_off_is_none():
    with container(HEAD + b"Content-Length: 10\r\n\r\nabc") as port, pytest.raises(Unreachable):
        asked(port)
