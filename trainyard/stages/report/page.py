"""Renders what a run found as one self-contained HTML page, page.html.j2; runs in both images.

Everything that comes from data is escaped; images are data URIs; there is no script and no address of another page,
so that the page can be mailed, archived and opened from a private bucket.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainyard.contract.meaning import Meanings
from trainyard.contract.report import Cell, Section
from trainyard.pages import environment
from trainyard.pages.formats import words
from trainyard.run.documents import Comparison, Decision
from trainyard.stages.report.comparison import ComparisonView, Tile, comparison_view, tiles
from trainyard.stages.report.sections import SectionView, section_view

TEMPLATE = "stages/report/page.html.j2"


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A name and what it stands for in this run."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True)
class ReportPage:
    """All that the template shows; what is empty or None is left out."""

    title: str
    tab: str
    summary: str
    decision: Decision | None
    tiles: Sequence[Tile]
    comparison: ComparisonView | None
    sections: Sequence[SectionView]
    facts: Sequence[Fact]


def render(
    *,
    title: str,
    facts: Mapping[str, Cell],
    sections: Sequence[Section],
    comparison: Comparison | None = None,
    decision: Decision | None = None,
    summary: str = "",
    meanings: Meanings | None = None,
    tab: str = "",
) -> str:
    """The page: verdict and main figure, comparison with champion and baselines, checks, `sections`, and run `facts`.

    Without `comparison` and `decision` nothing is said about quality. `summary` is a sentence below the title in place
    of the decision's. `meanings` say what the metrics are; `tab` is what a browser calls the page, the title if empty.
    """
    known = meanings or {}
    hyperparameters = comparison.hyperparameters if comparison else {}
    page = ReportPage(
        title=title,
        summary=summary or (decision.summary if decision else ""),
        decision=decision,
        tab=tab or title,
        tiles=tiles(comparison, known) if comparison else (),
        comparison=comparison_view(comparison, known) if comparison else None,
        sections=[section_view(each) for each in sections],
        facts=_facts({**facts, **{words(name): str(value) for name, value in hyperparameters.items()}}),
    )
    return environment.render(TEMPLATE, page)


def _facts(facts: Mapping[str, Cell]) -> list[Fact]:
    return [Fact(name=name, value="" if value is None else str(value)) for name, value in facts.items()]
