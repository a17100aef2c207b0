"""Says which table of a recipe each found table is: by a setting, by its name, or by its columns; in Glue's driver."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

import duckdb

from trainyard.contract.sources import FileSettings, Layout, Source
from trainyard.errors import BadData
from trainyard.reading import cells
from trainyard.reading.column_questions import guesses, listed, of_baskets, proposal, some
from trainyard.reading.columns import NO_KEYS, Ambiguous, KeyNames, Mapped, cell_at, mapped, score
from trainyard.reading.lists import with_rows
from trainyard.reading.model import Found
from trainyard.reading.written_lists import written_lists

GLANCE_ROWS = 200
SHOWN_NAMES = 4
FITTING = 0.9
NO_SETTINGS = FileSettings()


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A found table, and DuckDB's types of its columns."""

    found: Found
    types: tuple[str, ...]

    @property
    def shown(self) -> str:
        """Its name and columns for a sentence."""
        columns = listed(self.found.columns) if self.found.columns else _unnamed(self.found.width)
        return f"{self.found.name} ({columns})"


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """The tables of files whose name does not say it, those that nobody reads, and questions."""

    tables: tuple[Mapped, ...] = ()
    left: tuple[Candidate, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Assigner:
    """What a recipe reads, what people say of its files, and what keys are called in those that are read."""

    connection: duckdb.DuckDBPyConnection
    sources: Sequence[Source]
    settings: Mapping[str, FileSettings] = field(default_factory=dict)
    keys: KeyNames = field(default_factory=lambda: NO_KEYS)

    def settings_of(self, source: Source) -> FileSettings:
        """What is said of the files of a table."""
        return self.settings.get(source.name, NO_SETTINGS)

    def said(self, name: str) -> Source | None:
        """The table that a setting says a file is."""
        return next((each for each in self.sources if _matches(self.settings_of(each).file, name)), None)

    def named(self, found: Found) -> list[Source]:
        """The tables that a file may be by its name; where people have said which file a table is, no other one is."""
        if (said := self.said(found.name)) is not None:
            return [said]
        inner = found.name.rpartition(": ")[2]
        open_ones = [each for each in self.sources if not self.settings_of(each).file]
        return [each for each in open_ones if each.name == found.source or each.accepts(inner)]

    def candidate(self, found: Found) -> Candidate:
        """A found table with the types of its columns."""
        if not found.typed:
            return Candidate(found=found, types=("VARCHAR",) * found.width)
        rows = self.connection.execute(f"DESCRIBE SELECT * FROM {found.relation}").fetchall()  # noqa: S608
        return Candidate(found=found, types=tuple(str(row[1]) for row in rows))

    def by_name(self, candidate: Candidate) -> Mapped | None:
        """What a file is by its name, where its columns do not say otherwise; None where its name says nothing.

        Raises BadData where it is a table by its name that is needed, lacks columns of it, and cannot be another one.
        """
        named = self.named(candidate.found)
        if len(named) > 1:
            named = [max(named, key=lambda each: self._score(candidate, each))]
        if not named:
            return None
        if not named[0].required and self.said(candidate.found.name) is None and self._is_rather(candidate, named[0]):
            return None
        try:
            return self.as_source(candidate, named[0])
        except BadData:
            other = any(_enough(self._score(candidate, each), each) for each in self.sources if each is not named[0])
            if (other or not named[0].required) and self.said(candidate.found.name) is None:
                return None
            raise

    def as_source(self, candidate: Candidate, source: Source) -> Mapped:
        """A found table as one of the recipe's; raises BadData where it cannot be that."""
        found = candidate.found
        if not found.columns and not self.settings_of(source).columns:
            layout = self._layout(candidate, source)
            if layout is not None:
                found = _with_names(found, layout)
        settings = self.settings_of(source)
        as_mapped = mapped(found, source, settings=settings, types=candidate.types, keys=self.keys)
        if lists := written_lists(self.connection, as_mapped):
            found, types = lists.in_place(as_mapped.found, candidate.types)
            as_mapped = mapped(found, source, settings=settings, types=types, keys=self.keys)
        return with_rows(self.connection, as_mapped)

    def continued(self, candidate: Candidate, parts: Sequence[Mapped]) -> Mapped:
        """A file without a header as the next part of a table of which another part has one of as many columns.

        Raises BadData where no part has.
        """
        found, source = candidate.found, self.named(candidate.found)[0]
        first = next((each.found for each in parts if each.source is source and _goes_on(each.found, found)), None)
        if first is None:
            return self.as_source(candidate, source)
        found = replace(found, columns=first.columns, read_as=(*found.read_as, f"columns as in {first.name}"))
        return self.as_source(replace(candidate, found=found), source)

    def why_not(self, candidate: Candidate, source: Source) -> str:
        """The sentence about a file that is called like a table and was not read as it."""
        try:
            self.as_source(candidate, source)
        except BadData as problem:
            if candidate.found.columns and not isinstance(problem, Ambiguous):
                return not_read([candidate.found.name], recipe_tables=[each.name for each in self.sources])
            reason = problem.problems[0].removeprefix(f"{candidate.found.name}: ")
            return f"{candidate.found.name} was not read as {source.name}: {reason}"
        return not_read([candidate.found.name], recipe_tables=[each.name for each in self.sources])

    def by_columns(self, candidates: Sequence[Candidate], *, taken: frozenset[str]) -> Assignment:
        """What files are whose names do not say it, given the tables that have files already."""
        free = [each for each in self.sources if each.name not in taken and not self.settings_of(each).file]
        chosen: dict[str, list[Mapped]] = {}
        left, problems = [], []
        for candidate in candidates:
            best = self._best(candidate, [each for each in free if each.columns])
            if len(best) > 1:
                problems.append(_two_tables(candidate, best))
            elif best:
                try:
                    part = self.as_source(candidate, best[0])
                    chosen.setdefault(best[0].name, []).append(part)
                except BadData as problem:
                    problems += problem.problems
            else:
                left.append(candidate)
        left = self._anything(left, free=[each for each in free if each.name not in chosen], chosen=chosen)
        problems += self._questions(left, [each for each in free if each.required and each.name not in chosen])
        problems += [problem for parts in chosen.values() for problem in _different(parts)]
        tables = tuple(part for parts in chosen.values() for part in parts)
        return Assignment(tables=tables, left=tuple(left), problems=tuple(problems))

    def _questions(self, left: Sequence[Candidate], sources: Sequence[Source]) -> list[str]:
        """What is asked of files that would be a table that is needed, but for one column that several may be."""
        asked: list[str] = []
        for candidate in left:
            for source in sources:
                try:
                    self.as_source(candidate, source)
                except Ambiguous as problem:
                    asked += problem.problems
                except BadData as problem:
                    # Of one file that people have said something about, what is wrong with that.
                    asked += problem.problems if self.settings_of(source).columns and len(left) == 1 else ()
        return asked

    def _best(self, candidate: Candidate, sources: Sequence[Source]) -> list[Source]:
        """The tables of which a file has most columns, and of those the ones that need most of them."""
        scores = {each.name: self._score(candidate, each) for each in sources}
        good = [each for each in sources if _enough(scores[each.name], each)]
        ranks = {each.name: (scores[each.name], sum(column.required for column in each.columns)) for each in good}
        return [each for each in good if ranks[each.name] == max(ranks.values())]

    def _is_rather(self, candidate: Candidate, named: Source) -> bool:
        """Whether a file has more columns of a table that is needed than of the one that it is called like."""
        own = self._score(candidate, named)
        return any(self._score(candidate, each) > own for each in self.sources if each.required and each is not named)

    def _anything(
        self, left: list[Candidate], *, free: Sequence[Source], chosen: dict[str, list[Mapped]]
    ) -> list[Candidate]:
        """Files of any columns are a table that takes any, where there is one."""
        source = next((each for each in free if each.other_columns and not any(c.required for c in each.columns)), None)
        if source is None or not left:
            return left
        chosen[source.name] = [self.as_source(each, source) for each in left]
        return []

    def _score(self, candidate: Candidate, source: Source) -> int:
        found, settings = candidate.found, self.settings_of(source)
        if not found.columns and not settings.columns:
            layout = self._layout(candidate, source) if source.required else None
            if layout is None:
                return 0
            found = _with_names(found, layout)
        return score(found, source, settings=settings, types=candidate.types, keys=self.keys)

    def _layout(self, candidate: Candidate, source: Source) -> Layout | None:
        """The layout that a file without a header has: of its name, or of its width and types."""
        wide = [each for each in source.layouts if len(each.columns) == candidate.found.width]
        inner = candidate.found.name.rpartition(": ")[2]
        named = [each for each in wide if Source(name="", files=each.files, columns=()).accepts(inner)]
        likely = named or [each for each in wide if not each.only_named]
        fits = {id(each): self._fit(candidate, source, layout=each) for each in likely}
        best = max(likely, key=lambda each: fits[id(each)], default=None)
        return best if best is not None and (named or fits[id(best)] >= FITTING) else None

    def _fit(self, candidate: Candidate, source: Source, *, layout: Layout) -> float:
        """The share of cells that are what a layout says, at the beginning of the file."""
        found, parts = candidate.found, []
        for column in source.columns:
            if column.name in layout.columns:
                at = layout.columns.index(column.name)
                cell = replace(cell_at(at, found=found, types=candidate.types), dates="day first")
                refused = cells.refused(cell, column, found=cells.value(cell, cells.kind_of(column)))
                parts.append(f"avg(CASE WHEN {refused} THEN 0 ELSE 1 END)")
        if not parts:
            return 0.0
        glance = f"(SELECT * FROM {found.relation} LIMIT {GLANCE_ROWS})"  # noqa: S608
        shares = self.connection.execute(f"SELECT {', '.join(parts)} FROM {glance}").fetchall()[0]  # noqa: S608
        return float(min(share or 0.0 for share in shares))


def _enough(columns: int, source: Source) -> bool:
    """Whether a file with so many columns of a table may be it; one alone is little of a table that is not needed."""
    return columns >= (1 if source.required or len(source.columns) == 1 else 2)


def missing(source: Source, *, left: Sequence[Candidate]) -> str:
    """The sentence about a table that no file provides."""
    wanted = " or ".join(source.files[:SHOWN_NAMES])
    if not left:
        return f"{source.name}: expected the file {wanted}, found none; upload it beside the others."
    columns = of_baskets(left[0].found, source) if len(left) == 1 else {}
    columns = columns or guesses(left[0].found, source)
    shown = "; ".join(each.shown for each in left[:5]) + (f" and {len(left) - 5} more" if len(left) > 5 else "")
    named = listed([each.name for each in source.columns if each.required])
    return (
        f"{source.name}: expected the file {wanted}, or one with the columns {named}; found {shown}; say in run.json "
        f"which it is, such as {proposal(source, columns, file=left[0].found.name)}, or upload it beside the others."
    )


def not_read(names: Sequence[str], *, recipe_tables: Sequence[str]) -> str:
    """The note about files that nobody reads."""
    tables = " or ".join(recipe_tables)
    files, them = (f"{names[0]} was", "it") if len(names) == 1 else (f"{some(names)} were", "one of them")
    return (
        f"{files} not read: no table ({tables}) has {'its' if len(names) == 1 else 'their'} columns, or another file "
        f"has it already; name {them} in run.json as files.<table>.file if it is one."
    )


def _two_tables(candidate: Candidate, sources: Sequence[Source]) -> str:
    names = " or ".join(each.name for each in sources)
    example = proposal(sources[0], {}, file=candidate.found.name)
    return (
        f"{candidate.found.name}: expected columns of one table, found those of {names}; say in run.json which one it "
        f"is, such as {example}, and upload the file again."
    )


def _different(parts: Sequence[Mapped]) -> list[str]:
    """A question where files of different columns would be one table."""
    if len({(part.found.columns, part.found.width) for part in parts}) == 1:
        return []
    source = parts[0].source
    names = listed([part.found.name for part in parts])
    example = proposal(source, {}, file=parts[0].found.name)
    return [
        f"{source.name}: expected one file, or several with the same columns, found {names}; say in run.json which one "
        f"it is, such as {example}, and upload the files again."
    ]


def _with_names(found: Found, layout: Layout) -> Found:
    return replace(found, columns=layout.columns)


def _goes_on(first: Found, found: Found) -> bool:
    return bool(first.columns) and first.width == found.width and first.typed == found.typed


def _unnamed(width: int) -> str:
    return f"{width} column{'s' if width > 1 else ''} without names"


def _matches(pattern: str, name: str) -> bool:
    """Whether a file (or a member of an archive, as `data.zip: ml/ratings.csv`) is meant by a name or a pattern."""
    if not pattern:
        return False
    outer, _, inner = name.partition(": ")
    spellings = {name, outer, inner, PurePosixPath(outer).name, PurePosixPath(inner).name} - {""}
    return any(fnmatch.fnmatchcase(each.lower(), pattern.lower()) for each in spellings)
