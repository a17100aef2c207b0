"""Parses a Dockerfile into instructions; used by the docker command that the CDK CLI calls on a laptop."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trainyard.errors import BadRequest

VARIABLE = re.compile(r"\\\$|\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})")
KNOWN = {
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER", "RUN",
    "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
}  # fmt: skip


@dataclass(frozen=True)
class Instruction:
    """One instruction: its upper-case name, `--flag=value` pairs, the rest of the line and the line's number."""

    name: str
    flags: tuple[tuple[str, str], ...]
    rest: str
    line: int

    def words(self) -> list[str]:
        """Arguments: those of the JSON (exec) form, or words split as a shell does."""
        listed = exec_form(self.rest)
        if listed is not None:
            return listed
        try:
            return shlex.split(self.rest)
        except ValueError as error:
            raise BadRequest(f"Dockerfile line {self.line}: cannot read {self.rest!r}: {error}.") from error

    def command(self) -> list[str]:
        """The command of ENTRYPOINT or CMD: exec form as it is, shell form through /bin/sh."""
        listed = exec_form(self.rest)
        return listed if listed is not None else ["/bin/sh", "-c", self.rest]


def exec_form(text: str) -> list[str] | None:
    """The strings of a JSON array, or None when the text is not one."""
    if not text.startswith("["):
        return None
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        return None
    return value if isinstance(value, list) and all(isinstance(each, str) for each in value) else None


def parse(text: str) -> list[Instruction]:
    """Instructions of a Dockerfile; raises `BadRequest` with the line for one that Docker does not know."""
    return [_instruction(line, number) for number, line in _logical_lines(text)]


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with continuations joined and comments removed, with the number of their first line."""
    joined, first = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        # Docker drops comments and blank lines inside a continued instruction too.
        if not line or line.startswith("#"):
            continue
        first = first or number
        if line.endswith("\\"):
            joined += line[:-1].rstrip() + " "
            continue
        yield first, joined + line
        joined, first = "", 0
    if joined.strip():
        yield first, joined.strip()


def _instruction(line: str, number: int) -> Instruction:
    name, _, rest = line.partition(" ")
    name, rest = name.upper(), rest.strip()
    if name not in KNOWN:
        raise BadRequest(f"Dockerfile line {number}: expected an instruction such as COPY or ENV, found {name!r}.")
    if not rest:
        raise BadRequest(f"Dockerfile line {number}: {name} needs at least one argument.")
    flags = []
    while found := re.match(r"--([a-z-]+)(?:=(\S+))?\s+", rest):
        flags.append((found.group(1), found.group(2) or ""))
        rest = rest[found.end() :]
    if name in {"RUN", "COPY", "ADD"} and re.search(r"(^|\s)<<-?['\"]?\w", rest):
        raise BadRequest(f"Dockerfile line {number}: here-documents are not supported locally; use a file and COPY it.")
    return Instruction(name, tuple(flags), rest, number)


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace `$NAME`, `${NAME}`, `${NAME:-default}` and `${NAME:+other}`; unset names become empty, as in Docker."""

    def value(found: re.Match[str]) -> str:
        if found.group(0) == "\\$":
            return "$"
        current = variables.get(found.group(1) or found.group(2), "")
        if found.group(3) == "-":
            return current or found.group(4)
        if found.group(3) == "+":
            return found.group(4) if current else ""
        return current

    return VARIABLE.sub(value, text)


def assignments(instruction: Instruction) -> dict[str, str]:
    """Pairs of ENV or LABEL: `NAME=value ...`, or the old form `NAME value`."""
    words = instruction.words()
    if "=" not in words[0]:
        name, _, value = instruction.rest.partition(" ")
        return {name: value.strip()}
    pairs = [word.partition("=") for word in words]
    if any(not separator for _, separator, _ in pairs):
        raise BadRequest(f"Dockerfile line {instruction.line}: expected NAME=value pairs, found {instruction.rest!r}.")
    return {name: value for name, _, value in pairs}
