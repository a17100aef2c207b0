"""Finds the stages that a run need not compute, takes them over, and says what changed of the others; in a Lambda."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from trainyard.errors import NotFound
from trainyard.run.reuse import DATABASE, FIRST, Reuse
from trainyard.run.stage import Stage
from trainyard.run.stage_record import REUSABLE, StageRecord, identity_of_files
from trainyard.run.store import RunStore
from trainyard.stages.reuse.record import keep
from trainyard.stages.reuse.stage_ledger import StageLedger
from trainyard.stages.reuse.taking_over import NoLongerThere, objects, take_over
from trainyard.stages.reuse.wanted import Wanted, changed_files

FRESH = "asked for afresh"


def find(
    store: RunStore,
    *,
    codes: Mapping[str, str],
    ledger: StageLedger,
    runs_still: Callable[[str], bool],
    fresh: bool = False,
) -> Reuse:
    """What of the stages before training is there by now; it is also kept beside the run's request.

    `codes` has the digest of the code of each stage; `runs_still` says whether the execution of an ARN goes on.
    """
    found = _found(store, codes=codes, ledger=ledger, runs_still=runs_still, fresh=fresh)
    store.write_document(Stage.RESOLVE, found)
    return found


def _found(
    store: RunStore,
    *,
    codes: Mapping[str, str],
    ledger: StageLedger,
    runs_still: Callable[[str], bool],
    fresh: bool,
) -> Reuse:
    """Take over every stage that another run has made from the same, one after the other, and stop at the first other.

    The first stage that is not there is reserved for this execution, which waits where another one that runs has it.
    """
    if fresh or not store.run.files:
        reasons: dict[str, str] = dict.fromkeys(REUSABLE, FRESH if fresh else DATABASE)
        return Reuse(start=Stage.INGEST, computed=reasons)
    reused: dict[str, str] = {}
    inputs = identity_of_files(store.run)
    for stage in REUSABLE:
        wanted = Wanted(run=store.run, stage=stage, inputs=inputs, code=codes.get(stage, ""))
        made, problem = _taken_over(store, wanted, ledger=ledger) if wanted.code else (None, "")
        if made is None:
            holder = _holder(wanted, ledger=ledger, runs_still=runs_still) if wanted.code else ""
            computed = _reasons(store, wanted, problem=problem, codes=codes, ledger=ledger)
            return Reuse(start=stage, reused=reused, computed=computed, waits_for=holder)
        reused[stage], inputs = made.origin, made.identity
    return Reuse(start=Stage.TRAIN, reused=reused)


def _taken_over(store: RunStore, wanted: Wanted, *, ledger: StageLedger) -> tuple[StageRecord | None, str]:
    """The record of a stage that lies in this run now, or what was wrong with those that could have."""
    problem = ""
    for run_id in [store.run.run_id, *ledger.runs(wanted)]:
        earlier = store.of_run(run_id)
        record = _record(earlier, wanted.stage)
        if record is None or not wanted.is_met(record):
            continue
        if run_id == store.run.run_id:
            return record, ""
        try:
            take_over(store, record, earlier=earlier)
        except NoLongerThere as error:
            problem = problem or str(error)
            continue
        made = replace(record, objects=objects(store, wanted.stage))
        keep(store, made, wanted=wanted, ledger=ledger)
        return made, ""
    return None, problem


def _record(store: RunStore, stage: Stage) -> StageRecord | None:
    try:
        return store.read_document(stage, StageRecord)
    except NotFound:
        return None


def _holder(wanted: Wanted, *, ledger: StageLedger, runs_still: Callable[[str], bool]) -> str:
    """The execution that computes a stage already, empty where this one does from now on."""
    own = wanted.run.execution_arn
    holder = ledger.reserve(wanted)
    if holder != own and not runs_still(holder):
        holder = ledger.reserve(wanted, instead_of=holder)
    return "" if holder == own else holder


def _reasons(
    store: RunStore, wanted: Wanted, *, problem: str, codes: Mapping[str, str], ledger: StageLedger
) -> dict[str, str]:
    """Why the stage is computed, and each of those after it."""
    later = REUSABLE[REUSABLE.index(wanted.stage) + 1 :]
    others = {each: replace(wanted, stage=each, code=codes.get(each, "")) for each in later}
    return {
        wanted.stage: problem or _changes(store, wanted, ledger=ledger) or FIRST,
        **{stage: _changes(store, each, ledger=ledger) or f"follows {wanted.stage}" for stage, each in others.items()},
    }


def _changes(store: RunStore, wanted: Wanted, *, ledger: StageLedger) -> str:
    """What differs from the run that made this stage last of the same data set; empty where there is none."""
    run_id = ledger.newest(wanted)
    earlier = store.of_run(run_id) if run_id else None
    record = _record(earlier, wanted.stage) if earlier else None
    if earlier is None or record is None:
        return ""
    files = changed_files(earlier.request(), store.run) if wanted.stage is Stage.INGEST else []
    return ", ".join([*files, *wanted.changes(record)])
