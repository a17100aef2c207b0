"""Connections of the real service: in time, one after the other on the same connection, and late behind others."""

from __future__ import annotations

import contextlib
import json
import time

import pytest

from tests.serving.toy_service import PATIENCE_S, toy_service

HEAD = b"POST /invocations HTTP/1.1\r\nHost: toy\r\nContent-Type: application/json\r\n"
PING = b"GET /ping HTTP/1.1\r\nHost: toy\r\n"


@pytest.fixture(scope="module")
def service():
    with toy_service(TRAINYARD_MAX_HEAD_SECONDS="1") as found:
        yield found


def posted(document):
    body = json.dumps(document).encode()
    return HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def received(connection):
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_requests_on_one_connection_are_answered_in_turn(service):
    with service.connect() as connection:
        connection.sendall(posted({"item": 3}) + posted({"item": 6}) + PING + b"Connection: close\r\n\r\n")
        answers = received(connection).split(b"HTTP/1.1 ")[1:]
    assert [each[:3] for each in answers] == [b"200"] * 3
    assert [b'"level":1.0' in answers[0], b'"level":2.0' in answers[1], b"ready" in answers[2]] == [True] * 3


def test_a_request_that_is_there_may_take_longer_than_its_arrival(service):
    with service.connect() as connection:
        connection.sendall(posted([{"item": 68, "note": "x" * 10_000}] * 2))
        assert connection.recv(12) == b"HTTP/1.1 200"


def test_a_late_request_takes_no_answer_from_the_one_before(service):
    # Three seconds of work, and only one for a head.
    slow = [{"item": 68, "note": "x" * 10_000}] * 3
    with service.connect() as connection:
        connection.sendall(posted(slow) + b"GET /pi")
        answers = received(connection).split(b"HTTP/1.1 ")[1:]
    assert [each[:3] for each in answers] == [b"200", b"408"]


def test_empty_lines_keep_no_connection_open(service):
    with service.connect() as connection:
        connection.sendall(PING + b"\r\n")
        deadline = time.monotonic() + PATIENCE_S
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < deadline:
                connection.sendall(b"\r\n")
                time.sleep(0.1)
        assert time.monotonic() < deadline


def test_a_client_that_asks_whether_it_may_send_is_told_to(service):
    with service.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 11\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(b'{"item": 3}')
        assert received(connection).endswith(b'{"level":1.0,"note":""}')


def test_a_refusal_of_a_body_comes_before_the_body_is_sent(service):
    with service.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
