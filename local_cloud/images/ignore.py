"""Decides with a .dockerignore file which files of a build context belong to it; used while an image is built."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path


class IgnoreRules:
    """Patterns of a .dockerignore: the last one that matches a path decides, `!` brings back."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._rules: list[tuple[bool, re.Pattern[str]]] = []
        for raw in lines:
            line = raw.strip()
            if not line or line.startswith("#"):
                continue
            keep = line.startswith("!")
            pattern = line.removeprefix("!").strip().strip("/")
            self._rules.append((keep, re.compile(_expression(pattern))))

    def ignores(self, path: str) -> bool:
        """Whether the file with this path (relative, with forward slashes) stays out of the image."""
        ignored = False
        for keep, pattern in self._rules:
            if pattern.fullmatch(path):
                ignored = not keep
        return ignored

    @classmethod
    def read(cls, context: Path) -> IgnoreRules:
        """Rules of a build context; none when it has no .dockerignore."""
        file = context / ".dockerignore"
        return cls(file.read_text(encoding="utf-8").splitlines() if file.is_file() else ())


def _expression(pattern: str) -> str:
    """A regular expression that matches the pattern's paths and everything below them."""
    text = ""
    for part in re.split(r"(\*\*/|\*\*|\*|\?)", pattern):
        text += {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part))
    return f"{text}(?:/.*)?"


def files(context: Path, rules: IgnoreRules) -> Iterator[Path]:
    """Every file or link of the context that the rules keep, sorted."""
    for path in sorted(context.rglob("*")):
        if (path.is_file() or path.is_symlink()) and not rules.ignores(path.relative_to(context).as_posix()):
            yield path
