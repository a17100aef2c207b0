"""The base image of both images: named by a digest, which is renewed on request."""

from __future__ import annotations

import io
import json
import re
from email.message import Message

import pytest

from infra import base_image

NEWEST = f"sha256:{'ab' * 32}"


def test_both_images_name_the_same_base_by_its_digest() -> None:
    named = {base_image.BASE.search(each.read_text())[0] for each in base_image.DOCKERFILES}
    assert len(named) == 1
    assert re.search(r":3\.11-slim-bookworm@sha256:[0-9a-f]{64}$", named.pop())


def test_the_newest_digest_replaces_the_one_that_is_there(
    tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def answer(request, timeout: float):
        asked.append(request)
        body = io.BytesIO(json.dumps({"token": "t"}).encode())
        body.headers = Message()
        body.headers["Docker-Content-Digest"] = NEWEST
        return body

    monkeypatch.setattr(base_image, "urlopen", answer)
    file = tmp_path / "Dockerfile"
    file.write_text(base_image.DOCKERFILES[0].read_text())
    base_image.main((file,))
    line = f"ARG BASE_IMAGE=public.ecr.aws/docker/library/python:3.11-slim-bookworm@{NEWEST}"
    assert line in file.read_text().splitlines()
    assert line in capsys.readouterr().out
    assert asked[1].get_header("Authorization") == "Bearer t"
    assert asked[1].full_url == "https://public.ecr.aws/v2/docker/library/python/manifests/3.11-slim-bookworm"
    with pytest.raises(ValueError, match="expected a line ARG BASE_IMAGE"):
        base_image.renewed("FROM python")
