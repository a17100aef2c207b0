"""Records what a stage was made from, so that later runs find it; in a Lambda, after the job of the stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from trainyard.errors import NotFound
from trainyard.run.settings.read import SettingsRead, value_of
from trainyard.run.stage import Stage
from trainyard.run.stage_record import REUSABLE, StageRecord, identity_of_files
from trainyard.run.store import RunStore
from trainyard.stages.reuse.stage_ledger import StageLedger
from trainyard.stages.reuse.taking_over import objects
from trainyard.stages.reuse.wanted import Wanted


def record(store: RunStore, stage: Stage, *, codes: Mapping[str, str], ledger: StageLedger) -> StageRecord | None:
    """Write `<run>/<stage>/stage_record.json` of a stage that this run has computed, and name it in the ledger.

    `codes` has the digest of the code of each stage. None for what nobody can reuse: a database has no versions.
    """
    inputs = _inputs(store, stage)
    if not inputs or not codes.get(stage):
        return None
    wanted = Wanted(run=store.run, stage=stage, inputs=inputs, code=codes[stage])
    read = store.read_document(stage, SettingsRead)
    made = StageRecord(
        recipe=store.run.recipe,
        stage=stage,
        inputs=inputs,
        code=wanted.code,
        origin=store.run.run_id,
        settings={path: value_of(store.run.config, path) for path in read.paths},
        objects=objects(store, stage),
    )
    _reserve_next(made, wanted, codes=codes, ledger=ledger)
    keep(store, made, wanted=wanted, ledger=ledger)
    ledger.release(wanted)
    return made


def keep(store: RunStore, made: StageRecord, *, wanted: Wanted, ledger: StageLedger) -> None:
    """Write the record of a stage, computed or taken over, and name its run in the ledger."""
    store.write_document(made.stage, made)
    ledger.add(wanted)


def _inputs(store: RunStore, stage: Stage) -> str:
    before = REUSABLE.index(stage) - 1
    if before < 0:
        return identity_of_files(store.run)
    try:
        return store.read_document(REUSABLE[before], StageRecord).identity
    except NotFound:
        return ""


def _reserve_next(made: StageRecord, wanted: Wanted, *, codes: Mapping[str, str], ledger: StageLedger) -> None:
    """This execution goes on with the next stage: whoever waited for this one waits for that one too."""
    after = REUSABLE.index(made.stage) + 1
    if after < len(REUSABLE):
        stage = REUSABLE[after]
        ledger.reserve(replace(wanted, stage=stage, inputs=made.identity, code=codes.get(stage, "")))
