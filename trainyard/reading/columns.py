"""Says which column of a found table is which column of a recipe's table; runs in Glue's driver and on a laptop."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from trainyard.contract.sources import Column, FileSettings, Source, plain_name
from trainyard.errors import BadData
from trainyard.reading import baskets, synonyms
from trainyard.reading.cells import Cell
from trainyard.reading.column_questions import INDEX, ambiguous, below, listed, missing
from trainyard.reading.model import Found
from trainyard.reading.sentences import refused
from trainyard.reading.sql import literal

# What columns without a name are called, with their place; the first one may be an index, and is none then.
UNNAMED = "column_"
# How a name tells which column it is, the surest first.
LEVELS = EXACT, SPELT, SYNONYM, IN_LISTS, IN_OBJECTS = range(5)

# The names of columns of keys in the files of other tables, by the table's name for them.
KeyNames = Mapping[str, Collection[str]]
NO_KEYS: KeyNames = {}


class Ambiguous(BadData):
    """Several columns of a file may be the one that a recipe asks for: people have to say which."""


@dataclass(frozen=True, kw_only=True)
class Mapped:
    """A found table as one of a recipe's: a cell for each of its columns, None where the file lacks it.

    `others` are cells of columns that nobody declared, by the name they get; `unnest` are those of the found columns
    whose lists become rows together; `named` says which names in the file differ from the table's, and which of
    several was taken; `passed` are the others, by column; `by_line` is the column of keys that is the number of the
    line, and `stood_in` are those whose keys are something else, such as titles.
    """

    found: Found
    source: Source
    cells: Mapping[str, Cell | None]
    others: Mapping[str, Cell] = field(default_factory=dict)
    unnest: tuple[str, ...] = ()
    named: Mapping[str, str] = field(default_factory=dict)
    passed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    by_line: str = ""
    stood_in: frozenset[str] = frozenset()

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.source.columns

    def cell(self, name: str) -> Cell:
        """The cell of a column that the file has; raises KeyError for another one."""
        cell = self.cells[name]
        if cell is None:
            raise KeyError(name)
        return cell


def mapped(
    found: Found, source: Source, *, settings: FileSettings, types: Sequence[str], keys: KeyNames = NO_KEYS
) -> Mapped:
    """The columns of `found` as those of `source`; `types` are DuckDB's, one for each.

    Of several columns that may be a key, the one is taken that other tables have it in, as `keys` says. Raises BadData
    where a required column is not there, or two might be it.
    """
    found, types = baskets.with_pattern(found, settings, types=types)
    places, passed = _by_settings(found, source, settings=settings), dict[str, list[str]]()
    if found.columns:
        try:
            passed = _by_name(found, source, places=places, types=types, keys=keys)
        except Ambiguous as question:
            # To answer it would lead to the next one, where a column is not there at all.
            if nowhere := _nowhere(found, source, places=places, settings=settings):
                raise BadData([missing(found, source, columns=nowhere)]) from question
            raise
    stood_in = _stand_ins(found, source, places=places) if found.columns else {}
    places |= stood_in
    by_line = _by_line(found, source, places=places, settings=settings)
    lacking = [each for each in source.columns if each.required and each.name not in places]
    if lacking:
        raise BadData([missing(found, source, columns=lacking)])
    cells = {
        each.name: _cell(found, places.get(each.name), column=each, types=types, settings=settings)
        or _flags(found, each.name, types=types)
        for each in source.columns
    }
    return Mapped(
        found=found,
        source=source,
        cells=cells,
        passed=passed,
        by_line=by_line,
        stood_in=frozenset(stood_in),
        others=_others(found, source, taken=set(places.values()), types=types) if source.other_columns else {},
        named={
            name: found.columns[at] + (f" (not {listed(passed[name])})" if passed.get(name) else "")
            for name, at in places.items()
            if at is not None and _differs(found, name, at=at)
        },
    )


def _nowhere(found: Found, source: Source, *, places: Mapping[str, int | None], settings: FileSettings) -> list[Column]:
    """The columns that are needed and that nothing in the file is called like."""
    places = {**_stand_ins(found, source, places=places), **places}
    lacking = [each for each in source.columns if each.required and each.name not in {*places, *settings.columns}]
    everywhere = range(found.width)
    return [each for each in lacking if not any(_same(found, each, level=at, free=everywhere) for at in LEVELS)]


def key_names(parts: Iterable[Mapped]) -> KeyNames:
    """How the columns of keys are called in the files of some tables, as `plain_name` writes it."""
    names: dict[str, set[str]] = {}
    for part in parts:
        for column in part.columns:
            cell = part.cells[column.name]
            if column.type == "id" and cell is not None and part.found.columns and cell.sql[1:].isdigit():
                names.setdefault(column.name, set()).add(plain_name(part.found.columns[int(cell.sql[1:])]))
    return names


def score(
    found: Found, source: Source, *, settings: FileSettings, types: Sequence[str], keys: KeyNames = NO_KEYS
) -> int:
    """How many columns of a table a found one has, stand-ins apart; 0 where a required one is not there."""
    try:
        found_as = mapped(found, source, settings=settings, types=types, keys=keys)
    except BadData:
        return 0
    return sum(cell is not None for cell in found_as.cells.values()) - len(found_as.stood_in)


def _by_settings(found: Found, source: Source, *, settings: FileSettings) -> dict[str, int | None]:
    """Places that a person has said; None for a column that is said to be none."""
    places: dict[str, int | None] = {}
    for name, said in settings.columns.items():
        if (column := next((each for each in source.columns if each.name == name), None)) is not None:
            places[name] = _said(found, column, said=str(said))
    return places


def _said(found: Found, column: Column, *, said: str) -> int | None:
    if not said and not column.required:
        return None
    same = [at for at, each in enumerate(found.columns) if each == said]
    same = same or [at for at, each in enumerate(found.columns) if plain_name(each) == plain_name(said) != ""]
    if not same and said.isdigit() and 1 <= int(said) <= found.width:
        same = [int(said) - 1]
    if len(same) == 1:
        return same[0]
    what = f"the columns {listed(found.columns)}" if found.columns else f"{found.width} columns without names"
    raise BadData(
        [
            refused(
                found.name,
                expected=f"a column {said!r}, as run.json says of {column.name}",
                found=what,
                advice="correct run.json (a name, or a place from 1)",
            )
        ]
    )


def _stand_ins(found: Found, source: Source, *, places: Mapping[str, int | None]) -> dict[str, int | None]:
    """The places of what stands in for required columns that are not there; a title may be read as such too."""
    names = [plain_name(each) for each in found.columns]
    taken = {places.get(each.name) for each in source.columns if each.required}
    stood_in = dict[str, int | None]()
    for column in source.columns:
        if column.name in places or not column.required:
            continue
        for name, beside in column.stand_ins:
            at = names.index(plain_name(name)) if plain_name(name) in names else None
            if at is not None and at not in taken and (not beside or plain_name(beside) in names):
                stood_in[column.name] = at
                break
    return stood_in


def _by_line(found: Found, source: Source, *, places: dict[str, int | None], settings: FileSettings) -> str:
    """Adds the number of the line as the only key that a table of cells side by side lacks, and says which that is."""
    lacking = [each.name for each in source.columns if each.required and each.type == "id" and each.name not in places]
    side_by_side = any(baskets.ALL in str(each) and str(each) in found.columns for each in settings.columns.values())
    if len(lacking) != 1 or not side_by_side or baskets.LINE not in found.columns:
        return ""
    places[lacking[0]] = found.width - 1 - found.columns[::-1].index(baskets.LINE)
    return lacking[0]


def _by_name(
    found: Found, source: Source, *, places: dict[str, int | None], types: Sequence[str], keys: KeyNames
) -> dict[str, list[str]]:
    """Adds the places that names tell, the surest names of all columns first; says what else they might have been."""
    usable = [at for at in range(found.width) if not cell_at(at, found=found, types=types).is_nested]
    passed: dict[str, list[str]] = {}
    for level in LEVELS:
        for column in sorted(source.columns, key=lambda each: level == IN_LISTS and not each.required):
            if column.name in places:
                continue
            taken = {at for at in places.values() if at is not None}
            free = [at for at in usable if at not in taken]
            if level == IN_LISTS:
                free = _in_lists(found, column, free=free, taken=taken, types=types)
            if level == IN_OBJECTS:
                free = [at for at in free if found.typed and below(found.columns[at]) and not types[at].endswith("[]")]
            same = _same(found, column, level=level, free=free)
            if same:
                places[column.name] = at = _chosen(found, column, same=same, keys=keys)
                passed[column.name] = [found.columns[each] for each in same if each != at]
    return passed


def _in_lists(found: Found, column: Column, *, free: Sequence[int], taken: set[int], types: Sequence[str]) -> list[int]:
    """Fields of objects in a list; of those that are not needed, only fields of a list that is read anyway."""
    fields = [at for at in free if types[at].endswith("[]") and below(found.columns[at])]
    read = {below(found.columns[at]) for at in taken if types[at].endswith("[]")}
    return [at for at in fields if below(found.columns[at]) in read or (column.required and not read)]


def _same(found: Found, column: Column, *, level: int, free: Sequence[int]) -> list[int]:
    """The columns whose name is a column's: its very name, but for case and punctuation, a synonym, or a field's.

    Of columns that are not needed, fields of objects count under their very name only.
    """
    if level == EXACT:
        return [at for at in free if found.columns[at] == column.name]
    if level == SPELT:
        return [at for at in free if plain_name(found.columns[at]) == plain_name(column.name)]
    order = [plain_name(each) for each in column.synonyms]
    names = {at: plain_name(found.columns[at]) for at in free}
    if level in (IN_LISTS, IN_OBJECTS):
        order = [plain_name(column.name), *(order if column.required or level == IN_LISTS else ())]
        names = {at: plain_name(found.columns[at].removeprefix(f"{below(found.columns[at])}.")) for at in free}
    return sorted((at for at in free if names[at] in order), key=lambda at: order.index(names[at]))


def _chosen(found: Found, column: Column, *, same: Sequence[int], keys: KeyNames) -> int:
    """The one of several columns that is surest; raises BadData where that is not certain of one that is needed."""
    if len(same) == 1 or not column.required:
        return same[0]
    shared = [at for at in same if plain_name(found.columns[at]) in keys.get(column.name, ())]
    if len(shared) == 1:
        return shared[0]
    names = [found.columns[at] for at in same]
    together = len({below(each) for each in names}) == 1
    inner = [plain_name(each.removeprefix(f"{below(each)}.") if together else each) for each in names]
    if together and column.type == "id" and below(names[0]) and len(inner) == 2 and "id" in inner:
        # The lines of a list have ids of their own.
        return same[1 - inner.index("id")]
    at = synonyms.surest_key(inner) if column.type == "id" else None
    if at is None:
        raise Ambiguous([ambiguous(found, column, names=names)])
    return same[at]


def _cell(found: Found, at: int | None, *, column: Column, types: Sequence[str], settings: FileSettings) -> Cell | None:
    if at is None:
        return None
    cell = cell_at(at, found=found, types=types)
    return replace(cell, dates=settings.dates or "plain", verbatim=column.verbatim)


def _flags(found: Found, name: str, *, types: Sequence[str]) -> Cell | None:
    """The values whose columns, `genres=Drama` and the like, have a 1, joined by bars."""
    values = [(at, each.partition("=")[2]) for at, each in enumerate(found.columns) if each.startswith(f"{name}=")]
    marked = [
        f"CASE WHEN trim({cell_at(at, found=found, types=types).sql}::VARCHAR) = '1' THEN {literal(value)} END"
        for at, value in values
    ]
    return Cell(sql=f"concat_ws('|', {', '.join(marked)})") if values else None


def cell_at(at: int, *, found: Found, types: Sequence[str]) -> Cell:
    """The cells of a column of a found table; `types` are DuckDB's, one for each column."""
    return Cell(sql=f"c{at}", type=types[at], decimal=found.decimal, grouped=found.grouped)


def _others(found: Found, source: Source, *, taken: set[int | None], types: Sequence[str]) -> dict[str, Cell]:
    """Cells of the columns that nobody declared, under names that are unique without case, as Spark needs them."""
    used = {each.name.casefold() for each in source.columns}
    others = {}
    for at, name in _names(found):
        cell = cell_at(at, found=found, types=types)
        if at in taken or (INDEX.fullmatch(name) and (name or not at)) or cell.is_nested or cell.is_list:
            continue
        given, number = name or f"{UNNAMED}{at + 1}", 1
        while given.casefold() in used:
            number += 1
            given = f"{name}_{number}"
        used.add(given.casefold())
        others[given] = cell
    return others


def _names(found: Found) -> Iterator[tuple[int, str]]:
    yield from enumerate(found.columns or [f"{UNNAMED}{at}" for at in range(1, found.width + 1)])


def _differs(found: Found, name: str, *, at: int) -> bool:
    return bool(found.columns) and found.columns[at] not in {name, baskets.LINE, baskets.ALL}
