"""Stage check drift: profiles what an endpoint was asked and answered as its model's own data were; training image.

The comparison itself is that of bulk scoring, which follows in a Lambda.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from trainyard.contract.captured import Captured, Columns, Rows
from trainyard.contract.config import Share
from trainyard.contract.training.progress import progress
from trainyard.run import recipe
from trainyard.run.documents import ScoreSummary
from trainyard.run.run import Run
from trainyard.run.watch.capture import plain
from trainyard.run.watch.drift_check import DriftCheck
from trainyard.run.watch.profile import AnswerProfile, DataProfile, TableProfile
from trainyard.stages.check_drift import kept_rows
from trainyard.stages.check_drift.profile_alike import ProfileAlike

NO_ANSWERS = TableProfile(rows=0, sampled=0, columns={})


def check_drift(run: Run, check: DriftCheck, *, captured: Path, model_dir: Path, output: Path) -> ScoreSummary:
    """Write `summary.json` and, where there are rows enough, `profile.json` and `answers.json` to `output`.

    `captured` holds the files of kept requests. Only rows that the model in `model_dir` answered count.
    """
    files = sorted(captured.rglob("*.parquet"))
    rows = kept_rows.count(files, run_id=check.model_run)
    progress(0.1, f"{rows:,} rows of {len(files):,} files are answers of run {check.model_run}")
    found = ScoreSummary(rows=rows, files=len(files), model_run=check.model_run)
    config = recipe.config(run.recipe, run.config)
    if rows >= config.drift.least_rows:
        said = recipe.captured(run.recipe, model_dir, config=config)
        profiles = _Profiles(
            check,
            said,
            fields=_fields(run.recipe, model_dir, said=said),
            shares=recipe.shares(run.recipe),
            least_rows=config.drift.least_rows,
        )
        for each in kept_rows.read(files, run_id=check.model_run, rows=rows):
            profiles.add(each.requests, each.answers)
        profiles.write(output)
    found.write(output)
    progress(1.0, "done")
    return found


class _Profiles:
    """The profiles of requests and of answers as they grow, in the terms of the model's own data and answers."""

    def __init__(
        self,
        check: DriftCheck,
        captured: Captured,
        *,
        fields: frozenset[str],
        shares: Sequence[Share],
        least_rows: int,
    ) -> None:
        self._hidden, self._captured, self._fields = frozenset(map(plain, check.never_kept)), captured, fields
        self._least_rows = least_rows
        self._like = {name: _shown(table, self._hidden) for name, table in check.tables.items()}
        self._like_answers = _shown(check.answers or NO_ANSWERS, self._hidden)
        self._tables = {name: ProfileAlike(table) for name, table in self._like.items()}
        self._answers = ProfileAlike(self._like_answers, shares)

    def add(self, requests: Rows, answers: Rows) -> None:
        for name, columns in self._requested(requests).items():
            if name in self._tables:
                self._tables[name].add(columns)
        said = self._captured.answers(requests, answers)
        self._answers.add(_by_name(answers, self._like_answers.columns) if said is None else said)

    def write(self, output: Path) -> None:
        # A column without a value may be one of a field that is never kept, under another name.
        empty, least = bool(self._hidden), self._least_rows
        tables = {name: each.profile(without_empty=empty, least_rows=least) for name, each in self._tables.items()}
        DataProfile(tables={name: each for name, each in tables.items() if each.columns}).write(output)
        AnswerProfile(answers=self._answers.profile(without_empty=empty, least_rows=least)).write(output)

    def _requested(self, requests: Rows) -> Mapping[str, Columns]:
        """Requests as columns of tables; by the names of fields where the recipe does not say otherwise.

        A field that the model reads and that no request has any more is missing in all of them.
        """
        said = self._captured.tables(requests)
        if said is not None:
            return said
        # There are routes without fields.
        asked = [each for each in requests if each]
        return {
            name: _by_name(asked, [each for each in table.columns if plain(each) in self._fields])
            for name, table in self._like.items()
        }


def _by_name(rows: Rows, names: Iterable[str]) -> dict[str, Sequence[object]]:
    """The values of fields whose names mean the same, by column; None where a row has no such field."""
    found = [{plain(name): value for name, value in each.items()} for each in rows]
    return {name: [each.get(plain(name)) for each in found] for name in names}


def _fields(name: str, model_dir: Path, *, said: Captured) -> frozenset[str]:
    """What the model reads of a row of a request, as `plain` has it."""
    read = said.read_fields()
    if read is not None:
        return frozenset(map(plain, read))
    row = recipe.module(name, "serve").load(model_dir).routes()[0].row
    return frozenset(plain(each.alias or field) for field, each in row.model_fields.items())


def _shown(table: TableProfile, hidden: frozenset[str]) -> TableProfile:
    """Without what is never kept, and without keys: rows that are asked about need none."""
    columns = {name: each for name, each in table.columns.items() if each.kind != "key" and plain(name) not in hidden}
    return TableProfile(rows=table.rows, sampled=table.sampled, columns=columns)
