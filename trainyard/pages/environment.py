"""The one Jinja2 environment, in which every HTML page is rendered; runs wherever a page is made.

A template lies beside the code that fills it and is named by its path inside the package: `stages/report/page.html.j2`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Protocol

from trainyard.pages.formats import FILTERS

if TYPE_CHECKING:
    from jinja2 import Environment

PACKAGE = "trainyard"


class Page(Protocol):
    """The values of a page, prepared for its template, which knows them as `page`; the frame shows the title."""

    @property
    def title(self) -> str: ...


def render(template: str, page: Page) -> str:
    """The HTML that a template makes of `page`: the same values give the same bytes.

    Raises jinja2.UndefinedError for a value that the template names and `page` lacks.
    """
    return environment().get_template(template).render(page=page)


@cache
def environment() -> Environment:
    """Every template of the package, whatever its name ends in, with autoescaping."""
    # With the first page only: the service and the command line start without these 0.1 seconds.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader(PACKAGE, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(FILTERS)
    return made
