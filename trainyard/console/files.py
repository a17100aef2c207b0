"""The few files beside the pages: styles of the package, and htmx as npm installed it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from trainyard.client import project
from trainyard.errors import NotFound

OWN = Path(__file__).parent / "static"
HTMX = project.cdk_folder() / "node_modules" / "htmx.org" / "dist"
# Nothing else is served, whatever the address says.
FILES: Mapping[str, tuple[Path, str]] = {
    "console.css": (OWN / "console.css", "text/css"),
    "yard.css": (OWN / "yard.css", "text/css"),
    "icon.svg": (OWN / "icon.svg", "image/svg+xml"),
    "htmx.js": (HTMX / "htmx.min.js", "text/javascript"),
    "sse.js": (HTMX / "ext" / "hx-sse.min.js", "text/javascript"),
}


def file(request: Request) -> Response:
    """One file of the list. Without htmx the pages work all the same: they are not live."""
    path, kind = FILES.get(request.path_params["file"], (Path(), ""))
    if not kind or not path.is_file():
        raise NotFound(f"Expected one of {', '.join(FILES)}; found {request.path_params['file']!r:.60}.")
    return FileResponse(path, media_type=kind, headers={"cache-control": "max-age=3600"})
