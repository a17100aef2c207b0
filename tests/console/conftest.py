"""A console that really serves, of a deployment in moto with a fake Step Functions, and a real browser before it."""

from __future__ import annotations

import http.client
import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from state_machines import definition
from tests.cli.conftest import deployed_in_moto, leave_this_machine
from tests.cli.story import FakeStepFunctions
from trainyard.client.deployment import Deployment
from trainyard.console.note import Running
from trainyard.console.server import server_of
from trainyard.console.site import Site

TOKEN = "a-token-that-only-the-link-has"
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
WAIT_SECONDS = 20.0
SQUEEZED = """[...document.querySelectorAll('code, td, dd, li, p')]
    .filter(each => each.innerText.length > 10 && each.clientWidth > 2 && each.clientHeight > 6 * each.clientWidth)
    .map(each => each.innerText)"""
# What htmx says when a tab goes away while a stream is open.
EXPECTED_MESSAGES = ("ERR_ABORTED", "AbortError")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the console answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass
class Console:
    """The console that serves, and the deployment behind it."""

    running: Running
    deployment: Deployment
    step_functions: FakeStepFunctions

    def request(self, method: str, path: str, **headers: str) -> Answer:
        """The answer to a request with the given headers: underscores in their names are dashes."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.running.port, timeout=30)) as connection:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=named)
            answer = connection.getresponse()
            return Answer(status=answer.status, headers=answer.headers, body=answer.read())

    def get(self, path: str, **headers: str) -> Answer:
        """The answer to somebody who has the token."""
        return self.request("GET", path, cookie=self.cookie, **headers)

    @property
    def cookie(self) -> str:
        return f"trainyard-{self.running.port}={TOKEN}"

    def put_object(self, key: str, body: bytes | str) -> None:
        """An artifact of a run."""
        content = body.encode() if isinstance(body, str) else body
        self.deployment.target.client("s3").put_object(Bucket="artifacts-bucket", Key=key, Body=content)

    def put_champion(self, model: str, *, recipe: str, run_id: str) -> None:
        item = {
            "id": {"S": f"champion/{model}"},
            "run_id": {"S": run_id},
            "model_data": {"S": f"s3://artifacts-bucket/{recipe}/{run_id}/train/job/output/model.tar.gz"},
            "promoted_at": {"S": "2026-11-20T12:30:00.000Z"},
        }
        self.deployment.target.client("dynamodb").put_item(TableName="ledger", Item=item)


@pytest.fixture(scope="session")
def machine() -> Mapping[str, Any]:
    """The real state machine."""
    found: Mapping[str, Any] = definition.definition()
    return found


@pytest.fixture
def console(machine: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Console]:
    leave_this_machine(monkeypatch, tmp_path)
    fake = FakeStepFunctions(dict(machine))
    with deployed_in_moto(fake) as deployment, socket.create_server(("127.0.0.1", 0)) as listener:
        running = Running(port=listener.getsockname()[1], token=TOKEN, process_id=os.getpid())
        server = server_of(Site(find=lambda: deployment, label="local cloud · dev"), running)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        _await_start(server)
        yield Console(running=running, deployment=deployment, step_functions=fake)
        server.should_exit = True
        thread.join(WAIT_SECONDS)
        assert not thread.is_alive(), "the console did not stop"


def _await_start(server: Any) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not server.started:
        assert time.monotonic() < deadline, "the console did not start"
        time.sleep(0.01)


@dataclass
class Visitor:
    """A person with a browser; `problems` is what the browser complained of."""

    console: Console
    context: BrowserContext
    page: Page
    problems: list[str] = field(default_factory=list)

    def open(self, path: str = "/") -> None:
        """Go to a page of the console."""
        self.page.goto(f"http://127.0.0.1:{self.console.running.port}{path}")

    def accessibility(self) -> list[str]:
        """What axe finds wrong with the page, a line each."""
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [f"{each['id']}: {node['html'][:160]}" for each in found["violations"] for node in each["nodes"]]

    def squeezed(self) -> list[str]:
        """Texts that have so little room that they are broken letter by letter."""
        found: list[str] = self.page.evaluate(SQUEEZED)
        return found

    def hangs_over(self) -> int:
        """By how many pixels the page is wider than the window."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return width


@pytest.fixture
def visitor(console: Console, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """Opens the link that the console gives; parametrised by (width, colour scheme) where a test asks for it."""
    width, scheme = getattr(request, "param", (1400, "light"))
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(WAIT_SECONDS * 1000)
    found = Visitor(console, context, page)
    page.on("console", lambda message: _note(found, message))
    page.on("pageerror", lambda error: found.problems.append(str(error)))
    page.goto(console.running.link())
    yield found
    context.close()
    assert not found.problems


def _note(visitor: Visitor, message: ConsoleMessage) -> None:
    if message.type in ("error", "warning") and not any(each in message.text for each in EXPECTED_MESSAGES):
        visitor.problems.append(message.text)
