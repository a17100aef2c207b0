"""Only the browser that was given the link may look and act."""

from __future__ import annotations

import pytest

from tests.cli.story import Story
from tests.console.conftest import TOKEN, Console
from trainyard.console.guard import HEADERS


def test_without_the_token_nothing_is_shown(console: Console):
    for cookie in ("", f"trainyard-{console.running.port}=another", f"trainyard-1={TOKEN}", "a=b; =;;"):
        answer = console.request("GET", "/", cookie=cookie)
        assert answer.status == 401
        assert b"trainyard open" in answer.body


def test_the_link_becomes_a_cookie_and_loses_its_token(console: Console):
    answer = console.request("GET", f"/executions/a%20b?visited=1&token={TOKEN}")

    assert answer.status == 303
    assert answer.headers["location"] == "/executions/a%20b?visited=1"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"trainyard-{console.running.port}={TOKEN};")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "///evil.example/a"])
def test_the_way_on_stays_on_this_machine(console: Console, path: str):
    answer = console.request("GET", f"{path}?token={TOKEN}")

    assert answer.status == 303
    assert answer.headers["location"].startswith("/evil.example")


def test_another_name_of_this_machine_is_refused(console: Console):
    for host in ("evil.example", f"evil.example:{console.running.port}", "127.0.0.1", "127.0.0.1:1"):
        assert console.get("/", host=host).status == 400


def test_a_foreign_page_can_do_nothing(console: Console):
    name = console.step_functions.put("one", Story())
    own = console.running.address.rstrip("/")
    foreign = [
        {},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": own.replace("127.0.0.1", "localhost")},
        {"origin": own, "sec_fetch_site": "cross-site"},
    ]
    for headers in foreign:
        assert console.request("POST", "/executions/one/stop", cookie=console.cookie, **headers).status == 403
    assert console.step_functions.stopped == []

    answer = console.request("POST", "/executions/one/stop", cookie=console.cookie, origin=own)
    assert answer.status == 303
    assert console.step_functions.stopped == [name]


def test_no_answer_may_be_framed_kept_or_run_foreign_code(console: Console):
    for path in ("/", "/nowhere", "/static/console.css", "/executions/unknown"):
        answer = console.get(path)
        for name in HEADERS:
            if name != "cache-control":
                assert answer.headers[name] == HEADERS[name], path
    assert console.get("/").headers["cache-control"] == "no-store"


def test_only_listed_files_are_served(console: Console):
    assert console.get("/static/console.css").status == 200
    for name in ("..%2fapp.py", "app.py", "%2e%2e/app.py", "package.json"):
        assert console.get(f"/static/{name}").status == 404
