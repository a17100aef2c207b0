"""The list as HTML: what a browser, a reader's screen reader and a page without style attributes get of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from urllib.parse import quote

from trainyard.client.execution.history import StateVisit, Status
from trainyard.console.yard.layout import layout
from trainyard.console.yard.picture import Row, picture
from trainyard.pages.environment import environment

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
HOSTILE = '<img src=x onerror="alert(1)">/?&\'{{ 7 * 7 }}'
MACHINE = {
    "StartAt": HOSTILE,
    "States": {
        HOSTILE: {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Next": "Good?"},
        "Good?": {"Type": "Choice", "Choices": [{"Next": "Tell"}], "Default": "Done"},
        "Tell": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Next": "Bad"},
        "Bad": {"Type": "Fail"},
        "Done": {"Type": "Succeed"},
    },
}
PAGE = (
    """{% from "console/templates/yard.html.j2" import signs, yard %}{{ signs() }}{{ yard(picture, href, unfold) }}"""
)


class Elements(HTMLParser):
    """All elements with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str, **wanted: str) -> list[dict[str, str | None]]:
        asked = {name.rstrip("_"): value for name, value in wanted.items()}
        return [attributes for name, attributes in self.found if name == tag and asked.items() <= attributes.items()]


def page() -> str:
    visits = [
        StateVisit(name=HOSTILE, type="Task", entered=START, exited=START + timedelta(seconds=2), status=Status.CAUGHT),
        StateVisit(name=HOSTILE, type="Task", entered=START + timedelta(seconds=2), status=Status.TIMED_OUT),
    ]
    visits[-1].exited = START + timedelta(seconds=4)

    def href(row: Row) -> str:
        return "/state?name=" + quote(row.name, safe="")

    drawn = picture(layout(MACHINE), visits, now=START)
    values = {"picture": drawn, "href": href, "unfold": lambda row: f"?unfold={row.name}"}
    return environment().from_string(PAGE).render(values)


def test_hostile_names_are_text() -> None:
    html = page()
    seen = Elements(html)
    assert not seen.all("img") and HOSTILE in seen.text
    assert seen.all("a", id="row-0")[0]["href"] == "/state?name=" + quote(HOSTILE, safe="")


def test_nothing_needs_an_inline_style_or_script() -> None:
    names = {name for _, attributes in Elements(page()).found for name in attributes}
    assert not {name for name in names if name == "style" or name.startswith(("on", "hx-on"))}


def test_every_row_is_a_link_that_works_without_a_script() -> None:
    links = Elements(page()).all("a", class_="yard-link")
    assert [link["id"] for link in links] == ["row-0", "row-1", "row-3", "row-4"]
    assert all(link["hx-get"] == link["href"] and link["hx-target"] == "#panel" for link in links)


def test_status_count_and_duration_are_words() -> None:
    text = " ".join(Elements(page()).text.split())
    assert f"{HOSTILE}, timed out \N{MULTIPLICATION SIGN} 2 4.0 s" in text
    assert "Done, not reached" in text
    assert "Bad, not reached 2 states: show those of Bad" in text


def test_the_drawing_is_for_eyes_only_and_every_sign_exists() -> None:
    seen = Elements(page())
    assert all(each.get("aria-hidden") == "true" for each in seen.all("svg"))
    assert len(seen.all("ol")) == len(seen.all("svg", class_="yard-rail")) == 1
    symbols = {f"#{each['id']}" for each in seen.all("symbol")}
    assert {each["href"] for each in seen.all("use")} <= symbols
    assert {f"#sign-{status.replace(' ', '-')}" for status in Status} <= symbols
