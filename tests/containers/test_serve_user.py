"""Which user answers requests: the image's own, unless only root can read the model, or there is no such user."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from training_container import serve


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, object]]:
    """What was changed, for a process that root started in the image."""
    done: list[tuple[str, object]] = []
    user = pwd.struct_passwd(("trainyard", "x", 999, 998, "", "/", "/usr/sbin/nologin"))
    monkeypatch.setattr(pwd, "getpwnam", lambda name: {"trainyard": user}[name])
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for name in ("setgroups", "setgid", "setuid"):
        monkeypatch.setattr(os, name, lambda value, name=name: done.append((name, value)))
    return done


def test_root_becomes_the_images_user_for_good(tmp_path: Path, became: list[tuple[str, object]]) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "model.npz").write_bytes(b"")
    (tmp_path / "model.npz").chmod(0o644)
    assert serve.give_up_root(tmp_path)
    # Groups first: who is no longer root may not change them.
    assert became == [("setgroups", []), ("setgid", 998), ("setuid", 999)]


def test_root_stays_where_only_root_can_read_the_model(tmp_path: Path, became: list[tuple[str, object]]) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "model.npz").write_bytes(b"")
    (tmp_path / "model.npz").chmod(0o600)
    assert not serve.give_up_root(tmp_path)
    assert became == []


def test_outside_the_image_nobody_changes(
    tmp_path: Path, became: list[tuple[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setattr(serve, "USER", "nobody-of-this-name")
    assert not serve.give_up_root(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert not serve.give_up_root(tmp_path)
    assert became == []
