"""What a run left in its folder, by stage, each to be downloaded; runs behind the console."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from trainyard.client.run import artifacts as client
from trainyard.client.run import previews
from trainyard.client.run.artifacts import Artifact, RunArtifacts
from trainyard.console import pages, tabs
from trainyard.errors import BadRequest

CHUNK = 1 << 20


def artifacts(request: Request) -> Response:
    """The files of a run, stage by stage."""
    run = _run(request)
    listed = list(run.listed())
    return pages.page(
        request,
        "artifacts.html.j2",
        title=f"Artifacts of run {request.path_params['run_id']}",
        recipe=request.path_params["recipe"],
        run_id=request.path_params["run_id"],
        tabs_of=tabs.of_artifacts(run),
        uri=run.uri,
        stages=_by_stage(run, listed),
        can=previews.can,
        total=sum(each.size for each in listed),
        command=f"trainyard artifacts {request.path_params['run_id']} --download DIR{run.deployment.options}",
    )


def download(request: Request) -> Response:
    """One file, as it is, to be saved. Raises NotFound."""
    run, path = _run(request), request.path_params["path"]
    body, size = run.opened(path)
    name = quote(PurePosixPath(path).name, safe="")
    return StreamingResponse(
        _chunks(body),
        media_type="application/octet-stream",
        headers={
            "content-disposition": f"attachment; filename*=UTF-8''{name}",
            "content-length": str(size),
        },
    )


def preview(request: Request) -> Response:
    """The beginning of a file: a table, a text, or a picture. Raises NotFound and BadRequest."""
    run, path = _run(request), request.path_params["path"]
    image = PurePosixPath(path).suffix.lower() in previews.IMAGES
    return pages.page(
        request,
        "preview.html.j2",
        title=PurePosixPath(path).name,
        recipe=request.path_params["recipe"],
        run_id=request.path_params["run_id"],
        tabs_of=tabs.of_artifacts(run),
        path=path,
        image=image,
        shown=None if image else previews.preview(run, path),
    )


def image(request: Request) -> Response:
    """A picture, shown by a page; nothing that could hold a script is one. Raises NotFound and BadRequest."""
    path = request.path_params["path"]
    kind = previews.IMAGES.get(PurePosixPath(path).suffix.lower())
    if kind is None:
        raise BadRequest(f"Expected a picture ending in {', '.join(previews.IMAGES)}; found {path!r:.200}.")
    content, _ = previews.content(_run(request), path, most=previews.TABLE_BYTES)
    return Response(content, media_type=kind)


def _chunks(body: Any) -> Iterator[bytes]:
    yield from body.iter_chunks(CHUNK)


def _by_stage(run: RunArtifacts, listed: Sequence[Artifact]) -> Mapping[str, list[tuple[str, Artifact]]]:
    """Per stage the files with their paths below the folder of the run."""
    named = [(each.key.removeprefix(f"{run.prefix}/"), each) for each in listed]
    return {stage: list(files) for stage, files in groupby(named, key=lambda each: each[0].split("/")[0])}


def _run(request: Request) -> RunArtifacts:
    return client.of_run(pages.deployment(request), request.path_params["recipe"], run_id=request.path_params["run_id"])
