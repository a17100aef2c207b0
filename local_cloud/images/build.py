"""Builds an image as a snapshot: the files its Dockerfile copies, its entry point and environment; on a laptop."""

from __future__ import annotations

import posixpath
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local_cloud.images.dockerfile import Instruction, assignments, expand, parse
from local_cloud.images.ignore import IgnoreRules, files
from trainyard.errors import BadRequest

# What they say has no meaning for a process on this machine. RUN installs what the laptop's environment already has.
WITHOUT_EFFECT = {"EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME"}


@dataclass
class Stage:
    """A build stage in progress: `root` holds its files as they will lie below `/`."""

    root: Path
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    arguments: dict[str, str] = field(default_factory=dict)

    def expand(self, text: str) -> str:
        return expand(text, {**self.arguments, **self.env})


@dataclass(frozen=True, kw_only=True)
class BuildRequest:
    """A build as the command line asks for it; `dockerfile` is relative to `context`."""

    context: Path
    dockerfile: str = "Dockerfile"
    build_args: Mapping[str, str] = field(default_factory=dict)
    target: str = ""


def build(request: BuildRequest, scratch: Path) -> Stage:
    """Follow the Dockerfile and leave the files of the target stage below `scratch`; raises `BadRequest`."""
    path = request.context / request.dockerfile
    if not path.is_file():
        raise BadRequest(f"Expected a Dockerfile at {path}, found none.")
    return _Builder(request, scratch).run(parse(path.read_text(encoding="utf-8")))


class _Builder:
    def __init__(self, request: BuildRequest, scratch: Path) -> None:
        self._request = request
        self._scratch = scratch
        self._global_args: dict[str, str] = {}
        self._stages: dict[str, Stage] = {}
        self._order: list[Stage] = []

    def run(self, instructions: list[Instruction]) -> Stage:
        for instruction in instructions:
            if instruction.name == "FROM":
                self._from(instruction)
            elif not self._order:
                self._global(instruction)
            else:
                self._apply(self._order[-1], instruction)
        if not self._order:
            raise BadRequest("Expected a FROM instruction in the Dockerfile, found none.")
        if self._request.target:
            if self._request.target.lower() not in self._stages:
                raise BadRequest(f"The Dockerfile has no stage named {self._request.target!r}.")
            return self._stages[self._request.target.lower()]
        return self._order[-1]

    def _global(self, instruction: Instruction) -> None:
        if instruction.name != "ARG":
            raise BadRequest(f"Dockerfile line {instruction.line}: only ARG may come before FROM.")
        self._global_args.update(self._arg(instruction, self._global_args))

    def _arg(self, instruction: Instruction, known: Mapping[str, str]) -> dict[str, str]:
        result = {}
        for word in instruction.words():
            name, given, default = word.partition("=")
            value = expand(default, known) if given else self._global_args.get(name, "")
            result[name] = self._request.build_args.get(name, value)
        return result

    def _from(self, instruction: Instruction) -> None:
        words = expand(instruction.rest, self._global_args).split()
        parent = self._stages.get(words[0].lower()) if words else None
        root = self._scratch / str(len(self._order))
        root.mkdir(parents=True)
        stage = Stage(root)
        if parent is not None:
            shutil.copytree(parent.root, root, symlinks=True, dirs_exist_ok=True)
            stage = Stage(root, [*parent.entrypoint], [*parent.command], {**parent.env}, parent.workdir)
        self._stages[str(len(self._order))] = stage
        if len(words) == 3 and words[1].upper() == "AS":
            self._stages[words[2].lower()] = stage
        self._order.append(stage)

    def _apply(self, stage: Stage, instruction: Instruction) -> None:
        match instruction.name:
            case "ARG":
                stage.arguments.update(self._arg(instruction, {**stage.arguments, **stage.env}))
            case "ENV":
                stage.env.update({name: stage.expand(value) for name, value in assignments(instruction).items()})
            case "WORKDIR":
                stage.workdir = posixpath.normpath(posixpath.join(stage.workdir, stage.expand(instruction.rest)))
                _inside(stage.root, stage.workdir).mkdir(parents=True, exist_ok=True)
            case "ENTRYPOINT":
                stage.entrypoint, stage.command = instruction.command(), []
            case "CMD":
                stage.command = instruction.command()
            case "COPY" | "ADD":
                self._copy(stage, instruction)
            case name if name not in WITHOUT_EFFECT:
                raise BadRequest(f"Dockerfile line {instruction.line}: {name} is not supported locally.")

    def _copy(self, stage: Stage, instruction: Instruction) -> None:
        words = [stage.expand(word) for word in instruction.words()]
        if len(words) < 2:
            raise BadRequest(f"Dockerfile line {instruction.line}: {instruction.name} needs a source and a target.")
        *sources, target = words
        origin = dict(instruction.flags).get("from", "")
        if origin and origin.lower() not in self._stages:
            raise BadRequest(f"Dockerfile line {instruction.line}: no stage named {origin!r} to copy from.")
        base = self._stages[origin.lower()].root if origin else self._request.context
        rules = IgnoreRules(()) if origin else IgnoreRules.read(base)
        destination = posixpath.join(stage.workdir, target)
        for source in sources:
            into = _Target(stage.root, destination, many=len(sources) > 1)
            copied = _copy(base, source, into=into, rules=rules)
            if not copied:
                raise BadRequest(
                    f"Dockerfile line {instruction.line}: nothing in the build context matches {source!r}."
                )


@dataclass(frozen=True)
class _Target:
    root: Path
    path: str
    many: bool

    def file(self, name: str) -> Path:
        """Where a single source file of that name goes."""
        path = _inside(self.root, self.path)
        return path / name if self.many or self.path.endswith("/") or path.is_dir() else path


def _inside(root: Path, path: str) -> Path:
    return root / posixpath.normpath(posixpath.join("/", path)).lstrip("/")


def _copy(base: Path, source: str, *, into: _Target, rules: IgnoreRules) -> int:
    """Copy what `source` (a path or a glob) names; a folder's contents, not the folder itself, as Docker does."""
    relative = posixpath.normpath(source.lstrip("/") or ".")
    if relative.startswith(".."):
        raise BadRequest(f"COPY {source!r} leaves the build context.")
    matches = [base] if relative == "." else sorted(base.glob(relative))
    kept = set(files(base, rules))
    count = 0
    for match in matches:
        if match.is_dir() and not match.is_symlink():
            inside = [path for path in kept if path.is_relative_to(match)]
            for path in inside:
                _copy_file(path, _inside(into.root, into.path) / path.relative_to(match))
            count += len(inside)
        elif match in kept:
            _copy_file(match, into.file(match.name))
            count += 1
    return count


def _copy_file(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)
