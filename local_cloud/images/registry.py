"""Images stored by content below the state directory and found by tag; in the server and the docker command."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from local_cloud.images.build import BuildRequest, Stage, build
from trainyard.errors import NotFound

LONGEST_BUILD_SECONDS = 3600.0


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image: `root` holds its files as they lie below `/`; the rest is what its Dockerfile says."""

    digest: str
    root: Path
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    env: dict[str, str]
    workdir: str


class Registry:
    """The images in one directory: `sha256-.../` for contents, `registry.json` for tags."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._index = directory / "registry.json"

    def build(self, request: BuildRequest) -> Image:
        """Build an image and store it under its content's digest, unless it is there already."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._directory, prefix=".build-") as scratch:
            stage = build(request, Path(scratch))
            digest = _digest(stage)
            final = self._folder(digest)
            if not final.is_dir():
                staged = Path(scratch) / "image"
                staged.mkdir()
                shutil.move(stage.root, staged / "root")
                (staged / "image.json").write_text(json.dumps(_configuration(stage), indent=2), encoding="utf-8")
                _make_read_only(staged / "root")
                staged.replace(final)
        return self.load(digest)

    def load(self, digest: str) -> Image:
        """The image with this digest; raises `NotFound`."""
        folder = self._folder(digest)
        if not (folder / "image.json").is_file():
            raise NotFound(f"No image {digest} below {self._directory}; deploy again with `trainyard deploy`.")
        described = json.loads((folder / "image.json").read_text(encoding="utf-8"))
        return Image(
            digest=digest,
            root=folder / "root",
            entrypoint=tuple(described["entrypoint"]),
            command=tuple(described["command"]),
            env=described["env"],
            workdir=described["workdir"],
        )

    def tag(self, name: str, digest: str) -> None:
        """Let `name` (repository:tag, with or without a registry host) mean the image."""
        with self._changed() as tags:
            tags[canonical(name)] = digest

    def find(self, name: str) -> str | None:
        """Digest that a tag means, or None."""
        return self._tags().get(canonical(name))

    def tags(self) -> list[str]:
        """Every tag, sorted."""
        return sorted(self._tags())

    def resolve(self, uri: str) -> Image:
        """The image of a URI such as `123.dkr.ecr.us-east-1.amazonaws.com/repo:tag`; raises `NotFound`."""
        digest = uri.partition("@")[2] if "@" in uri else self.find(uri)
        if digest is None:
            raise NotFound(f"Cannot find image {uri}: nothing was pushed under this name; run `trainyard deploy`.")
        return self.load(digest)

    def remove_unused(self, used: Collection[str], *, newest: int) -> list[str]:
        """Remove images and return their digests: all that `used` names neither by a tag nor by a digest (both
        without what stands before the colon), but for the `newest`.
        """
        keep = {digest for name, digest in self._tags().items() if name.rpartition(":")[2] in used}
        keep |= {f"sha256:{each}" for each in used}
        folders = sorted(self._directory.glob("sha256-*"), key=lambda each: each.stat().st_mtime, reverse=True)
        removed = {self._digest(each): each for each in folders[newest:] if self._digest(each) not in keep}
        if removed:
            with self._changed() as tags:
                for name in [name for name, digest in tags.items() if digest in removed]:
                    del tags[name]
        for each in [*removed.values(), *self._cut_off()]:
            shutil.rmtree(each, ignore_errors=True)
        return list(removed)

    def _cut_off(self) -> list[Path]:
        """What builds that were killed left behind."""
        past = time.time() - LONGEST_BUILD_SECONDS
        return [each for each in self._directory.glob(".build-*") if each.stat().st_mtime < past]

    @staticmethod
    def _digest(folder: Path) -> str:
        return folder.name.replace("-", ":", 1)

    def _folder(self, digest: str) -> Path:
        return self._directory / digest.replace(":", "-")

    def _tags(self) -> dict[str, str]:
        return json.loads(self._index.read_text(encoding="utf-8")) if self._index.is_file() else {}

    @contextmanager
    def _changed(self) -> Iterator[dict[str, str]]:
        """Tags to change; the CDK CLI publishes several images at once, hence the lock."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with (self._directory / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            tags = self._tags()
            yield tags
            partial = self._index.with_suffix(".partial")
            partial.write_text(json.dumps(tags, indent=2, sort_keys=True), encoding="utf-8")
            partial.replace(self._index)


def canonical(name: str) -> str:
    """A tag without its registry host and with `:latest` where no tag is given."""
    host, slash, rest = name.partition("/")
    path = rest if slash and ("." in host or ":" in host or host == "localhost") else name
    return path if ":" in path.rsplit("/", 1)[-1] or "@" in path else f"{path}:latest"


def repository_and_tag(uri: str) -> tuple[str, str]:
    """Repository name and tag of an image URI."""
    repository, _, tag = canonical(uri).rpartition(":")
    return repository, tag


def _configuration(stage: Stage) -> dict[str, object]:
    values = asdict(stage)
    return {name: values[name] for name in ("entrypoint", "command", "env", "workdir")}


def _digest(stage: Stage) -> str:
    """SHA-256 over every path, kind, executable bit and content, and the configuration."""
    total = hashlib.sha256(json.dumps(_configuration(stage), sort_keys=True).encode())
    for path in _sorted(stage.root):
        name = path.relative_to(stage.root).as_posix()
        if path.is_symlink():
            total.update(f"link {name} {path.readlink()}\0".encode())
        elif path.is_file():
            executable = os.access(path, os.X_OK)
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"file {name} {executable} {content}\0".encode())
        else:
            total.update(f"folder {name}\0".encode())
    return f"sha256:{total.hexdigest()}"


def _sorted(root: Path) -> list[Path]:
    return sorted(root.rglob("*"), key=Path.as_posix)


def _make_read_only(root: Path) -> None:
    for path in _sorted(root):
        if path.is_file() and not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
