"""Reads the files of a data set into a recipe's tables as typed Parquet; runs in Glue's driver and on a laptop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb

from trainyard.contract.quality import Quality
from trainyard.contract.sources import FileSettings, Source
from trainyard.errors import BadData
from trainyard.glue import engine
from trainyard.reading import baskets, rejected
from trainyard.reading.assign import NO_SETTINGS, Assigner, Assignment, Candidate, missing, not_read
from trainyard.reading.column_questions import some
from trainyard.reading.columns import Mapped, key_names
from trainyard.reading.currencies import mixed
from trainyard.reading.lists import numbered_on
from trainyard.reading.load import Kinds, Loaded, load
from trainyard.reading.model import Found, LocalFile, Reading
from trainyard.reading.opening.open import found_tables
from trainyard.reading.other_columns import inferred
from trainyard.reading.repeats import resolve
from trainyard.reading.sentences import refused
from trainyard.reading.text_keys import as_text
from trainyard.reading.understood import understood

UNPACKED = "unpacked"
# Of more files of which the same is to be said, it is said once.
FEW = 3


def read(
    files: Iterable[LocalFile],
    sources: Sequence[Source],
    *,
    settings: Mapping[str, FileSettings],
    max_bad_share: float,
    scratch: Path,
    consume: bool = False,
    confined: bool = False,
) -> Reading:
    """The tables of a recipe in `scratch/<table>/*.parquet`, and what there is to say about its files.

    `files` may arrive one by one; where `consume` is set, each is removed as soon as its tables are written, and where
    `confined` is set, nothing outside `scratch` can be read (`glue.engine.connect`). All
    problems are reported at once, and only where there is none, the tables are complete. Lines that could not be read
    are in `scratch/rejected/<table>.csv`: up to `max_bad_share` of a table's lines is a warning, more a problem.
    """
    tables = [each for each in sources if each.format == "table"]
    connection = engine.connect(scratch, confined=confined)
    try:
        assigner = Assigner(connection=connection, sources=tables, settings=settings)
        reader = _Reader(assigner=assigner, share=max_bad_share, scratch=scratch, consume=consume)
        for file in files:
            reader.take(file)
        return reader.finish()
    finally:
        connection.close()


@dataclass(kw_only=True)
class _Reader:
    """Reads each file as it comes where its name says what it is; what only columns can tell waits for the end.

    `doubtful` are files that were read and whose name is also that of another table; `headless` have no header, and may
    go on with the rows of another file.
    """

    assigner: Assigner
    share: float
    scratch: Path
    consume: bool
    loaded: dict[str, list[Loaded]] = field(default_factory=dict)
    waiting: list[Mapped] = field(default_factory=list)
    unknown: list[Candidate] = field(default_factory=list)
    doubtful: list[Candidate] = field(default_factory=list)
    headless: list[Candidate] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    unreadable: list[str] = field(default_factory=list)
    read_as: dict[str, list[str]] = field(default_factory=dict)
    quality: Quality = field(default_factory=Quality)

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        return self.assigner.connection

    @property
    def _kept(self) -> int:
        """How many tables wait for the end."""
        return len(self.waiting) + len(self.unknown) + len(self.headless)

    def take(self, file: LocalFile) -> None:
        """Read a file's tables, or keep them for the end."""
        kept = self._kept
        folder = self.scratch / UNPACKED
        folder.mkdir(exist_ok=True)
        name = self._named(file.name, file.source)
        try:
            found = found_tables(
                self.connection,
                file,
                settings=self._settings(file.name, file.source),
                sources=self.assigner.sources,
                scratch=folder,
                of_member=self._settings,
            )
        except BadData as problem:
            # A file that is no table by its name may be one that nobody meant as data.
            if name:
                self._refuse(name, problem.problems)
            else:
                self.unreadable += problem.problems
            return
        for each in found:
            self._take(self.assigner.candidate(replace(each, uploaded_at=file.uploaded_at)))
        if self.consume and self._kept == kept:
            file.path.unlink()

    def _named(self, name: str, source: str) -> str:
        """The table that a file is by what people say, else by its name."""
        said = self.assigner.said(name)
        return said.name if said else source

    def _settings(self, name: str, source: str) -> FileSettings:
        if named := self._named(name, source):
            return self.assigner.settings.get(named, NO_SETTINGS)
        of_baskets = [each for each in self.assigner.settings.values() if baskets.said(each) and not each.file]
        return FileSettings(columns=of_baskets[0].columns) if of_baskets else NO_SETTINGS

    def finish(self) -> Reading:
        """Read what was kept, and judge each table as a whole."""
        self._take_headless()
        tables = frozenset(self.loaded) | {each.source.name for each in self.waiting} | self.refused
        assigned = self._by_columns(tables)
        self.quality += Quality(problems=assigned.problems)
        self.waiting += assigned.tables
        self._load_waiting()
        self._say_how_files_were_read()
        self._say_what_is_left(assigned.left, asked=bool(assigned.problems))
        for source in self.assigner.sources:
            if parts := self.loaded.get(source.name):
                self._judge(source, parts)
        found = {name: tuple(each.path for each in parts) for name, parts in self.loaded.items() if parts}
        folder = self.scratch / rejected.FOLDER
        return Reading(quality=self.quality, tables=found, rejected=folder if folder.exists() else None)

    def _take_headless(self) -> None:
        """Files without a header go on where a part with one ends, as a file does that was cut into pieces."""
        for candidate in self.headless:
            parts = [*(each.mapped for parts in self.loaded.values() for each in parts), *self.waiting]
            try:
                mapped = self.assigner.continued(candidate, parts)
            except BadData as problem:
                self._refuse(self.assigner.named(candidate.found)[0].name, problem.problems)
                continue
            self._keep_or_load(mapped)

    def _by_columns(self, taken: frozenset[str]) -> Assignment:
        """What files are by their columns; of several keys that one may have, the one counts that others have too."""
        assigned = self.assigner.by_columns(self.unknown, taken=taken)
        if not (assigned.left or assigned.problems):
            return assigned
        loaded = [each.mapped for parts in self.loaded.values() for each in parts]
        keys = key_names([*loaded, *self.waiting, *assigned.tables])
        return replace(self.assigner, keys=keys).by_columns(self.unknown, taken=taken)

    def _take(self, candidate: Candidate) -> None:
        try:
            mapped = self.assigner.by_name(candidate)
        except BadData as problem:
            if candidate.found.columns:
                self._refuse(self.assigner.named(candidate.found)[0].name, problem.problems)
            else:
                self.headless.append(candidate)
            return
        if mapped is not None and len(self.assigner.named(candidate.found)) > 1:
            self.doubtful.append(candidate)
        if mapped is None:
            self.unknown.append(candidate)
        elif mapped.source.other_columns and not candidate.found.columns:
            self.headless.append(candidate)
        else:
            self._keep_or_load(mapped)

    def _keep_or_load(self, mapped: Mapped) -> None:
        """Types of columns that nobody declared are known at the end only."""
        if mapped.source.other_columns:
            self.waiting.append(mapped)
        else:
            self._load(mapped, others={})

    def _load_waiting(self) -> None:
        for source in self.assigner.sources:
            parts = [each for each in self.waiting if each.source.name == source.name]
            types = inferred(self.connection, parts, share=self.share)
            self.quality += Quality(warnings=types.warnings)
            for part in types.parts:
                self._load(part, others=types.kinds)

    def _load(self, mapped: Mapped, *, others: Kinds) -> None:
        source, found = mapped.source, mapped.found
        if found.doubts:
            self._refuse(source.name, found.doubts)
            return
        folder = self.scratch / source.name
        folder.mkdir(exist_ok=True)
        parts = self.loaded.setdefault(source.name, [])
        mapped = numbered_on(mapped, lines=sum(each.mapped.found.lines + each.rows for each in parts))
        target = folder / f"part-{len(parts):05d}.parquet"
        try:
            part = load(self.connection, mapped, others=others, target=target, rejected=self.scratch / rejected.FOLDER)
        except BadData as problem:
            self._refuse(source.name, problem.problems)
            return
        parts.append(part)
        self.quality += Quality(warnings=part.unread)
        if said := understood(mapped):
            self.read_as.setdefault(said, []).append(found.name)
        if found.text is not None and found.text.is_relative_to(self.scratch / UNPACKED):
            found.text.unlink(missing_ok=True)

    def _judge(self, source: Source, parts: Sequence[Loaded]) -> None:
        """Whether a table has rows, few bad lines, and no repetitions; and its figures."""
        bad, good = sum(each.bad for each in parts), sum(each.rows for each in parts)
        faults = [fault for each in parts for fault in each.faults]
        figures = {f"{source.name}_rows": float(good)}
        if bad > rejected.tolerated(bad + good, self.share):
            problems = [rejected.problem(each, rows=bad + good, share=self.share) for each in faults]
            self._refuse(source.name, problems)
            return
        if not good and source.name not in self.refused:
            self._refuse(source.name, [_empty(parts[0].mapped.found)])
        if bad:
            figures[f"{source.name}_left_out"] = float(bad)
        if problems := mixed(source, [each.mapped for each in parts]):
            self._refuse(source.name, problems)
        warnings = tuple(rejected.warning(each, table=source.name, rows=bad + good) for each in faults)
        self.quality += Quality(warnings=warnings, figures=figures)
        if self.quality.ok:
            as_text(self.connection, parts)
            self._resolve(source, parts)

    def _resolve(self, source: Source, parts: Sequence[Loaded]) -> None:
        rule = self.assigner.settings_of(source).repeats or source.repeats
        repeated = resolve(self.connection, source, parts=parts, rule=rule)
        if repeated.problem:
            self._refuse(source.name, [repeated.problem])
        elif repeated.count:
            rows = self.quality.figures[f"{source.name}_rows"] - repeated.count
            figures = {f"{source.name}_rows": rows, f"{source.name}_repeated": float(repeated.count)}
            self.quality += Quality(warnings=(repeated.warning,), figures=figures)

    def _say_how_files_were_read(self) -> None:
        for said, names in self.read_as.items():
            files = names if len(names) <= FEW else [f"{len(names):,} files ({some(names)})"]
            self.quality += Quality(notes=tuple(f"{each}: {said}." for each in files))

    def _say_what_is_left(self, left: Sequence[Candidate], *, asked: bool) -> None:
        """What is said of files that are not read, and a problem for each table that is needed and has none."""
        names = [each.name for each in self.assigner.sources]
        others: list[str] = []
        for each in left:
            # A file that is called like a table was meant as one.
            if named := self.assigner.named(each.found):
                self.quality += Quality(warnings=(self.assigner.why_not(each, named[0]),))
            else:
                others.append(each.found.name)
        several = [others] if len(others) > FEW else [[each] for each in others]
        self.quality += Quality(notes=tuple(not_read(each, recipe_tables=names) for each in several))
        lacking = [each for each in self.assigner.sources if each.required and each.name not in self.loaded]
        lacking = [each for each in lacking if each.name not in self.refused and not asked]
        unreadable = tuple(self.unreadable)
        if lacking or not self.loaded:
            self.quality += Quality(problems=unreadable)
        else:
            self.quality += Quality(notes=unreadable)
        if not unreadable:
            self.quality += Quality(problems=tuple(missing(each, left=self._meant(each, left)) for each in lacking))

    def _meant(self, source: Source, left: Sequence[Candidate]) -> Sequence[Candidate]:
        """Files that may be a table that has none: those nobody reads, else those called like it and like another."""
        return left or self.unknown or [each for each in self.doubtful if source in self.assigner.named(each.found)]

    def _refuse(self, table: str, problems: Sequence[str]) -> None:
        self.refused.add(table)
        self.quality += Quality(problems=tuple(problems))


def _empty(found: Found) -> str:
    return refused(found.name, expected="data after the header", found="the header only", advice="export it once more")
