"""Makes answers of templates: a whole page, or the fragment that a part of a page asks for."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from trainyard.client.deployment import Deployment
from trainyard.console.site import Site
from trainyard.pages import environment

FOLDER = "console/templates"
# Python reads no number of thousands of digits, and nothing here is counted so far.
WHOLE = re.compile(r"[0-9]{1,9}")


def site(request: Request) -> Site:
    """What the application stands on."""
    found: Site = request.app.state.site
    return found


def deployment(request: Request) -> Deployment:
    """The deployment that is shown; raises NotFound while there is none."""
    return site(request).deployment


def is_fragment(request: Request) -> bool:
    """Whether a part of a page asks, not the address bar."""
    return "hx-request" in request.headers


def whole(text: str, *, otherwise: int) -> int:
    """The whole number that an address says, `otherwise` where it says none."""
    return int(text) if WHOLE.fullmatch(text) else otherwise


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """The page that `template` makes of `values`; its frame needs to know what is shown, and where one is."""
    return HTMLResponse(text(template, request=request, site=site(request), **values), status_code=status)


def text(template: str, **values: Any) -> str:
    """The HTML of a template of the console. Raises jinja2.UndefinedError for a value that it names and lacks."""
    return environment.environment().get_template(f"{FOLDER}/{template}").render(**values)
