"""The report is one self-contained page in which data stays text."""

from __future__ import annotations

import html.parser
import re

import pytest

from trainyard.contract.config import Gate
from trainyard.contract.meaning import higher, lower
from trainyard.contract.report import Bar, Bars, Figure, Section, Table, number, share
from trainyard.run.documents import Comparison, Decision
from trainyard.stages.gate import decide
from trainyard.stages.report.page import render

HOSTILE = "<script>alert('x')</script> & \"quoted\""
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


class Outline(html.parser.HTMLParser):
    """Checks that tags nest, and collects tags, attributes and text."""

    VOID = ("meta", "img")

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *each) for each in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def outline(**changes):
    evaluation = Comparison.from_mapping(
        {
            "recipe": "vectors",
            "primary": "hit_rate",
            "rows": 12345,
            "metrics": {"hit_rate": {"value": 0.24, "low": 0.2, "high": 0.28}, "mrr": {"value": 0.1}},
            "references": {HOSTILE: {"hit_rate": 0.12}, "other": {"hit_rate": 0.2, "mrr": 0.1}},
            "hyperparameters": {"epochs": 20},
        }
    )
    gate = Gate(primary="hit_rate", minimum={"hit_rate": 0.2})
    arguments = {
        "title": "Vectors " + HOSTILE,
        "facts": {"dataset": HOSTILE},
        "comparison": evaluation,
        "decision": decide(evaluation, gate),
        "sections": [
            Section(
                title=HOSTILE,
                text=f"first\n\n{HOSTILE}",
                tables=(
                    Table(columns=("name", HOSTILE), rows=[(HOSTILE, 1234567), (None, 0.123456)], caption=HOSTILE),
                ),
                figures=(Figure(png=PNG, alt=HOSTILE, caption=HOSTILE),),
            )
        ],
    }
    page = render(**{**arguments, **changes})
    parsed = Outline()
    parsed.feed(page)
    assert parsed.open == []
    return page, parsed


def test_data_stays_text():
    page, parsed = outline()
    assert "script" not in parsed.tags
    assert " ".join(parsed.text).count(HOSTILE) >= 7
    assert ("img", "alt", HOSTILE) in parsed.attributes
    assert "1,234,567" in page
    assert "0.1235" in page


HOSTILE_FIELDS = (
    *("title", "verdict", "metric", "baseline", "champion", "check", "section", "paragraph", "figure caption"),
    *("chart", "chart text", "bar", "heading", "beside", "table caption", "column", "cell"),
    *("fact", "fact value", "hyperparameter", "setting"),
)


def hostile(field):
    """Text that is markup and a template too, with the name of the field that it is in."""
    return f"<b title='x'>{field}</b> & \"{{{{ 123 * 457 }}}}\" {{% raw %}}"


def test_every_field_is_escaped_and_no_field_is_a_template():
    metrics = {hostile("metric"): {"value": 0.5}, "other": {"value": 0.5}}
    difference = {"value": 0.1, "low": 0.0, "high": 0.2}
    comparison = Comparison.from_mapping(
        {
            "primary": hostile("metric"),
            "metrics": metrics,
            "hyperparameters": {hostile("hyperparameter"): hostile("setting")},
            "references": {hostile("baseline"): {hostile("metric"): 0.4}},
            "champion": {"run_id": hostile("champion"), "metrics": metrics, "difference": difference},
        }
    )
    check = {"name": "n", "passed": False, "sentence": hostile("check")}
    decision = Decision.from_mapping({"promote": False, "summary": hostile("verdict"), "checks": [check]})
    chart = Bars(
        title=hostile("chart"),
        text=hostile("chart text"),
        bars=[Bar(label=hostile("bar"), count=1, beside=0.5)],
        total=1,
        heading=hostile("heading"),
        beside=hostile("beside"),
    )
    table = Table(columns=(hostile("column"),), rows=[(hostile("cell"),)], caption=hostile("table caption"))
    figure = Figure(png=PNG, alt=hostile("alt"), caption=hostile("figure caption"))
    section = Section(
        title=hostile("section"), text=hostile("paragraph"), tables=(table,), figures=(figure,), bars=(chart,)
    )
    page, parsed = outline(
        title=hostile("title"),
        facts={hostile("fact"): hostile("fact value")},
        sections=[section],
        comparison=comparison,
        decision=decision,
    )
    text = " ".join(parsed.text)
    for field in HOSTILE_FIELDS:
        assert hostile(field) in text, field
    assert ("img", "alt", hostile("alt")) in parsed.attributes
    assert "<b title" not in page
    assert "56211" not in text


def test_the_same_input_gives_the_same_bytes():
    assert outline()[0] == outline()[0]


def test_the_page_needs_nothing_from_outside():
    page, parsed = outline()
    assert page.startswith("<!doctype html>\n")
    addresses = [value for _, name, value in parsed.attributes if name in {"src", "href"}]
    assert addresses
    assert all(value.startswith("data:image/png;base64,") for value in addresses)
    assert not re.search(r"https?://|url\(|@import|<link", page)
    assert ("meta", "name", "viewport") in parsed.attributes
    assert "prefers-color-scheme:dark" in page


def test_the_verdict_comparison_and_checks_are_shown():
    page, parsed = outline()
    text = " ".join(parsed.text)
    assert "Promoted" in text
    assert "hit_rate >= 0.2: it is 0.24." in text
    assert "not measured" in text
    assert re.search(r'style="width:50\.0%"', page)
    assert "0.2 to 0.28" in text


def test_a_refusal_and_a_champion_are_shown():
    difference = {"value": -0.01, "low": -0.03, "high": 0.01}
    champion = {"run_id": "run-7", "metrics": {"hit_rate": {"value": 0.25}}, "difference": difference}
    metrics = {"hit_rate": {"value": 0.24}}
    document = {"recipe": "vectors", "primary": "hit_rate", "rows": 9, "metrics": metrics, "champion": champion}
    document |= {"differences": {"popularity": {"value": -0.2, "low": -0.3, "high": -0.1}}}
    evaluation = Comparison.from_mapping(document)
    decision = decide(evaluation, Gate(primary="hit_rate"))
    _, parsed = outline(comparison=evaluation, decision=decision)
    text = " ".join(parsed.text)
    assert "Refused" in text
    assert "champion run-7" in text
    assert "Not to be told apart from the champion: -0.01 (-0.03 to +0.01) in hit rate." in text
    assert "Worse than popularity: -0.2 (-0.3 to -0.1) in hit rate." in text
    assert "the model is worse than popularity" in text


def test_empty_documents_make_a_page_too():
    _, parsed = outline(comparison=None, decision=None, sections=[], facts={})
    assert "Refused" not in " ".join(parsed.text)


def bars(**changes):
    drawn = [Bar(label="often", count=3000, beside=0.25), Bar(label=HOSTILE, count=1000, beside=0.5)]
    chart = Bars(**{"title": HOSTILE, "text": HOSTILE, "bars": drawn, "total": 4000, **changes})
    return outline(comparison=None, decision=None, facts={}, sections=[Section(title="Spread", bars=(chart,))])


def test_bars_are_as_long_as_their_shares_and_say_them():
    page, parsed = bars(heading="now", beside="then")
    assert "script" not in parsed.tags
    assert re.findall(r'style="width:([\d.]+)%"', page) == ["100.0", "33.3", "33.3", "66.7"]
    for text in ("3,000 · 75.0 %", "25.0 %", "1,000 · 25.0 %", "50.0 %", "now", "then"):
        assert text in parsed.text


def test_bars_that_are_compared_with_nothing_have_one_column():
    page, _ = bars()
    assert page.count("<i ") == 2
    assert "<thead" not in page


def test_a_chart_without_rows_divides_by_nothing():
    page, _ = bars(bars=[Bar(label="none", count=0)], total=0)
    assert "0 · 0.0 %" in page


def test_a_summary_stands_in_place_of_the_decisions():
    _, parsed = outline(decision=None, summary="12 rows.")
    assert "12 rows." in parsed.text
    assert hostile("summary") in outline(summary=hostile("summary"))[1].text


@pytest.mark.parametrize(("value", "shown"), [(0, "0.0 %"), (0.0001, "< 0.1 %"), (0.12345, "12.3 %"), (1, "100.0 %")])
def test_shares_are_easy_to_read(value, shown):
    assert share(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.23456, "0.2346"),
        (3, "3"),
        (12345, "12,345"),
        (1234.6, "1,235"),
        (0, "0"),
        (float("nan"), "nan"),
        (1e-7, "1e-07"),
    ],
)
def test_numbers_are_easy_to_read(value, shown):
    assert number(value) == shown


@pytest.mark.parametrize(
    ("low", "high", "tone", "words"),
    [
        (0.01, 0.03, "good", "Better than popularity: +0.02 (+0.01 to +0.03) in hit rate."),
        (-0.03, -0.01, "bad", "Worse than popularity: +0.02 (-0.03 to -0.01) in hit rate."),
        (-0.01, 0.03, "", "Not to be told apart from popularity: +0.02 (-0.01 to +0.03) in hit rate."),
    ],
)
def test_a_difference_is_said_in_words_and_colour(low, high, tone, words):
    evaluation = Comparison.from_mapping(
        {
            "recipe": "vectors",
            "primary": "hit_rate",
            "rows": 10,
            "metrics": {"hit_rate": {"value": 0.24}},
            "references": {"popularity": {"hit_rate": 0.22}},
            "differences": {"popularity": {"value": 0.02, "low": low, "high": high}},
        }
    )
    _, parsed = outline(comparison=evaluation, decision=None)
    assert words in " ".join(parsed.text)
    assert ("p", "class", f"difference {tone}") in parsed.attributes


def test_a_metric_says_which_way_is_better_and_what_it_is():
    _, parsed = outline(meanings={"hit_rate": lower("what it is"), "unknown": higher("of no metric")}, tab="vectors r1")
    text = " ".join(parsed.text)
    assert "hit rate ↓" in text
    assert "what it is" in text
    assert "of no metric" not in text
    assert "vectors r1" in text


def test_commands_are_set_apart_and_a_backtick_of_the_data_is_a_letter():
    page = render(title="T", facts={}, sections=[Section(title="t", text="say `trainyard show <x>` now\nO`Malley")])
    assert "<p>say <code>trainyard show &lt;x&gt;</code> now</p>" in page
    assert "<p>O`Malley</p>" in page


def test_lists_of_texts_name_their_columns_where_they_stand_below_each_other():
    lists = Table(columns=("product", "nearest 1", "nearest 2", 'nearest "3"'), rows=[("a", "b", "c", "d")])
    figures = Table(columns=("product", "x", "y", "z"), rows=[("a", 1, 2, 3)])
    page = render(title="T", facts={}, sections=[Section(title="t", tables=(lists, figures))])
    assert 'data-label="nearest &#34;3&#34;">d</td>' in page
    assert page.count("data-label=") == 4
