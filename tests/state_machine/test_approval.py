"""A person between gate and champion pointer: the real machine, Resolve, registry and ledger, whatever the order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.machine import Machine, in_moto, killed, lost, run_of

APPROVED, REJECTED, WAITING = "Approved", "Rejected", "PendingManualApproval"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    with in_moto(tmp_path, monkeypatch) as made:
        yield made


def ended(execution: dict[str, Any]) -> str:
    assert execution["status"] == "SUCCEEDED", execution
    return str(json.loads(execution["output"])["outcome"])


def train(machine: Machine, *names: str) -> None:
    """Each asks for approval; a later name stands for a better model."""
    for number, name in enumerate(names, start=1):
        assert ended(machine.run(name, score=0.1 * number, approval=True)) == "waiting"


def approvals(machine: Machine) -> dict[str, str]:
    return dict(machine.approvals())


def test_a_model_waits_and_comes_into_use_when_it_is_approved(machine: Machine) -> None:
    train(machine, "a")
    assert (machine.champion(), approvals(machine)) == ({}, {run_of("a"): WAITING})
    assert machine.tried("Put approved model into use") == machine.tried("Move champion pointer") == 0
    assert ended(machine.decide("yes", run_of("a"), APPROVED)) == "registered"
    assert machine.champion()["run_id"] == run_of("a")
    assert machine.champion()["package"] == machine.version(run_of("a"))
    # Nothing came between: it is neither evaluated nor reported on a second time.
    assert (machine.tried("Evaluate model"), machine.tried("Write report"), machine.tried("Create model")) == (1, 1, 1)


def test_a_model_that_is_rejected_leaves_the_champion_in_use(machine: Machine) -> None:
    machine.run("champion", score=0.05)
    train(machine, "a")
    assert ended(machine.decide("no", run_of("a"), REJECTED)) == "nothing"
    assert machine.champion()["run_id"] == run_of("champion")
    assert approvals(machine) == {run_of("champion"): APPROVED, run_of("a"): REJECTED}


def test_of_two_that_wait_the_second_is_compared_with_the_first_and_may_win(machine: Machine) -> None:
    train(machine, "a", "b")
    machine.decide("yes-a", run_of("a"), APPROVED)
    assert ended(machine.decide("yes-b", run_of("b"), APPROVED)) == "registered"
    assert machine.tried("Evaluate model", "yes-b") == 1
    assert (machine.champion()["run_id"], machine.champion()["replaced"]) == (run_of("b"), run_of("a"))


def test_a_win_of_long_ago_does_not_displace_a_better_champion(machine: Machine) -> None:
    train(machine, "a", "b")
    machine.decide("yes-b", run_of("b"), APPROVED)
    assert ended(machine.decide("yes-a", run_of("a"), APPROVED)) == "refused"
    assert machine.champion()["run_id"] == run_of("b")
    assert approvals(machine) == {run_of("a"): REJECTED, run_of("b"): APPROVED}


def test_two_that_are_approved_at_once_race_for_the_pointer(machine: Machine) -> None:
    train(machine, "a", "b")

    def meanwhile(call: Callable[[], Any]) -> Any:
        assert ended(machine.decide("yes-b", run_of("b"), APPROVED)) == "registered"
        return call()

    machine.instead["Put approved model into use"] = [meanwhile]
    assert ended(machine.decide("yes-a", run_of("a"), APPROVED)) == "refused"
    assert (machine.champion()["run_id"], machine.tried("Evaluate model", "yes-a")) == (run_of("b"), 1)


def test_an_approval_that_is_told_twice_promotes_once(machine: Machine) -> None:
    train(machine, "a")

    def meanwhile(call: Callable[[], Any]) -> Any:
        assert ended(machine.notice("again", run_of("a"), APPROVED, event="e1")) == "nothing"
        return call()

    machine.set_approval(run_of("a"), APPROVED)
    machine.instead["Put approved model into use"] = [meanwhile]
    assert ended(machine.notice("first", run_of("a"), APPROVED, event="e1")) == "registered"
    assert ended(machine.decide("third", run_of("a"), APPROVED)) == "nothing"
    assert machine.tried("Put approved model into use") == 1


@pytest.mark.parametrize("state", ["Gate", "Look at version", "Put approved model into use", "Look at version again"])
def test_an_approval_that_is_taken_back_at_once_leaves_the_champion(machine: Machine, state: str) -> None:
    """Before the pointer moves nothing happens at all, after it the earlier model is put back."""
    machine.run("champion", score=0.05)
    train(machine, "a")

    def meanwhile(call: Callable[[], Any]) -> Any:
        result = call()
        machine.decide("no", run_of("a"), REJECTED)
        return result

    machine.instead[state] = [meanwhile]
    machine.decide("yes", run_of("a"), APPROVED)
    assert machine.champion()["run_id"] == run_of("champion")
    assert approvals(machine) == {run_of("champion"): APPROVED, run_of("a"): REJECTED}


def test_the_earlier_model_returns_when_the_one_in_use_is_rejected(machine: Machine) -> None:
    """That which was replaced, although another was registered between the two."""
    machine.run("first", score=0.01)
    train(machine, "a", "b", "c")
    for name in ("b", "c"):
        machine.decide(f"yes-{name}", run_of(name), APPROVED)
    machine.decide("yes-a", run_of("a"), APPROVED)
    assert ended(machine.decide("no", run_of("c"), REJECTED)) == "reverted"
    assert (machine.champion()["run_id"], machine.champion()["package"]) == (run_of("b"), machine.version(run_of("b")))
    assert ended(machine.decide("no-b", run_of("b"), REJECTED)) == "reverted"
    assert machine.champion()["run_id"] == run_of("first")
    last = machine.decide("no-first", run_of("first"), REJECTED)
    assert (last["status"], last["error"]) == ("FAILED", "BadRequest")
    assert "found none; it stays in use" in last["cause"]
    assert machine.champion()["run_id"] == run_of("first")


@pytest.mark.parametrize(
    ("state", "fault"),
    [
        ("Look at version", killed),
        ("Put approved model into use", lost),
        ("Look at version again", killed),
        ("Reject version", lost),
    ],
)
def test_a_promotion_by_hand_is_redriven(machine: Machine, state: str, fault: Any) -> None:
    train(machine, "a", "b")
    machine.decide("yes-b", run_of("b"), APPROVED)
    loser = state == "Reject version"
    machine.instead[state] = [fault]
    name = "a" if loser else "c"
    if not loser:
        machine.run("c", score=0.9, approval=True)
    assert machine.decide("yes", run_of(name), APPROVED)["status"] == "FAILED"
    assert ended(machine.redrive("yes")) == ("refused" if loser else "registered")
    assert machine.champion()["run_id"] == (run_of("b") if loser else run_of("c"))


def test_asking_for_approval_is_redriven_without_a_second_version(machine: Machine) -> None:
    machine.instead["Register model"] = [lost]
    assert machine.run("a", approval=True)["status"] == "FAILED"
    assert ended(machine.redrive("a")) == "waiting"
    assert machine.approvals() == [(run_of("a"), WAITING)]
