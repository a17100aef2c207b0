"""The list of a machine's states: what it folds, where its lanes run, and what an execution looks like in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from state_machines.definition import definition
from tests.console.machines import all_states, check_lanes, drawn, machines, points, transitions
from trainyard.client.execution.history import StateVisit, Status
from trainyard.console.yard.groups import states_of
from trainyard.console.yard.layout import layout
from trainyard.console.yard.picture import Picture, Row, picture

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
MACHINE = definition()
# What the rows of the real machine fold while nothing was visited; the pauses before its retries are not counted here.
FOLDED = {
    "Bad request": 2,
    "List children": 21,
    # Deployments by themselves, and what a decision on a registered version leads to.
    "Find model in use": 30,
    "Bad data": 2,
    "Waiting for approval": 2,
    "Model refused": 2,
    "Find endpoint": 18,
    "Deployment rolled back": 2,
    "Model deployed": 2,
    "Set truth beside predictions": 6,
    "Anything to tell?": 3,
}


def visit(name: str, start: float, seconds: float | None, status: Status = Status.SUCCEEDED) -> StateVisit:
    entered = START + timedelta(seconds=start)
    kind = dict(all_states(MACHINE)).get(name, {"Type": "Task"})["Type"]
    exited = None if seconds is None else entered + timedelta(seconds=seconds)
    return StateVisit(name=name, type=kind, entered=entered, exited=exited, status=status)


def of_machine(*visits: StateVisit, **how: Any) -> Picture:
    return picture(layout(MACHINE), visits, now=START + timedelta(seconds=10), **how)


def row(found: Picture, name: str) -> Row:
    return next(each for each in found.rows if each.name == name)


def classes(found: Picture) -> dict[tuple[str, str], str]:
    return dict(zip(drawn(found), (path.classes for path in found.paths), strict=True))


def everything(machine: dict[str, Any]) -> Picture:
    fixed = layout(machine)
    return picture(fixed, [], now=START, unfolded=frozenset(fixed.groups))


def test_the_real_machine_folds_into_its_rows() -> None:
    found = of_machine()
    assert {each.name: each.folded for each in found.rows if each.unfolds} == FOLDED
    assert sum(each.folded for each in found.rows) == len(list(all_states(MACHINE))) == 175
    assert len(found.rows) == 73


def test_every_transition_of_the_real_machine_is_drawn_once() -> None:
    found = drawn(everything(MACHINE))
    assert len(found) == len(set(found))
    assert set(found) == transitions(MACHINE)


@pytest.mark.parametrize("unfolded", [(), ("List children",), ("Find endpoint",), layout(MACHINE).groups])
def test_no_lane_of_the_real_machine_runs_over_another(unfolded: tuple[str, ...]) -> None:
    check_lanes(of_machine(unfolded=frozenset(unfolded)))


def test_the_main_line_is_straight_and_everything_else_beside_it() -> None:
    found = of_machine()
    main = layout(MACHINE).main
    line = {each.x for each in found.rows if each.name in main}
    assert len(line) == 1
    assert all(each.x > min(line) for each in found.rows if each.name not in main)
    assert {"Resolve request", "Tune hyperparameters", "Write report", "Find endpoint", "Data scored"} <= main
    assert not {"Nothing to do", "Train model", "Find model in use"} & main
    along = [each.name for each in found.rows if each.name in main]
    corners = dict(zip(drawn(found), map(points, found.paths), strict=True))
    assert all({x for x, _ in corners[step]} == line for step in pairwise(along))


def names(found: Picture) -> set[str]:
    return {each.name for each in found.rows}


def test_the_order_is_that_of_the_file_and_a_lone_end_stands_below_what_leads_to_it() -> None:
    order = [each.name for each in everything(MACHINE).rows]
    assert order.index("Model refused") == order.index("Report refused model") + 1 == order.index("Promoted?") + 4
    moved = {
        "Ask for approval",
        "Report refused model",
        "Report failed deployment",
        "Report observed quality",
        "Report missing model",
        "Report deployment",
    }
    moved |= {name for name, state in all_states(MACHINE) if state["Type"] in ("Succeed", "Fail")}
    kept = [name for name in order if name not in moved]
    assert [name for name, _ in all_states(MACHINE) if name in kept] == kept


def test_the_same_definition_has_one_layout() -> None:
    assert layout(definition()) is layout(MACHINE)


def test_visits_of_one_state_are_one_row() -> None:
    found = of_machine(
        visit("Resolve request", 0, 2),
        visit("Ingest raw data", 2, 1, Status.CAUGHT),
        visit("Ingest raw data", 4, None, Status.RUNNING),
    )
    seen = row(found, "Ingest raw data")
    assert (seen.status, seen.visits, seen.seconds) == (Status.RUNNING, 2, 7)
    assert (seen.bar_start, seen.bar_length) == (200, 800)
    assert row(found, "Resolve request").duration == "2.0 s"
    assert row(found, "Gate").status is row(found, "Gate").seconds is None


def test_a_choice_has_a_status_and_no_duration() -> None:
    seen = row(of_machine(visit("Resolve request", 0, 1), visit("Tune?", 1, 0)), "Tune?")
    assert (seen.status, seen.seconds, seen.bar_start) == (Status.SUCCEEDED, None, 1000)


def test_a_state_runs_while_one_of_its_visits_does() -> None:
    found = of_machine(visit("Train child", 0, None, Status.RUNNING), visit("Train child", 1, 2))
    assert row(found, "Train child").status is Status.RUNNING


def test_a_group_opens_when_it_is_visited_or_asked_for() -> None:
    assert "Bad request" in names(of_machine()) and "Report bad request" not in names(of_machine())
    visited = of_machine(visit("Report bad request", 0, 1), visit("Bad request", 1, 0, Status.FAILED))
    assert row(visited, "Report bad request").status is Status.SUCCEEDED
    assert row(visited, "Bad request").status is Status.FAILED
    asked = of_machine(unfolded=frozenset({"List children"}))
    assert {"Read list of children", "Train every child"} <= names(asked)
    assert (row(asked, "Train every child").folded, row(asked, "Train every child").kind) == (9, "map")
    assert "Train child" not in names(asked)


def test_a_pause_before_a_retry_is_a_row_only_when_it_was_taken() -> None:
    task, pause = "Ingest raw data", "Wait to ingest raw data again"
    assert pause not in names(of_machine(visit(task, 0, 1)))
    assert not row(of_machine(), task).unfolds
    retried = of_machine(visit(task, 0, 1, Status.CAUGHT), visit(pause, 1, 1), visit(task, 2, 1))
    assert classes(retried)[task, pause] == "taken catch"
    assert classes(retried)[pause, task] == "taken back"


def test_numbers_of_rows_stay_when_groups_open() -> None:
    before, after = of_machine(), everything(MACHINE)
    assert all(row(after, each.name).number == each.number for each in before.rows)


def test_edges_say_whether_they_were_taken_and_how_they_run() -> None:
    found = classes(of_machine(visit("Tune?", 0, 0), visit("Train model", 0, 5), visit("Find champion", 5, 1)))
    assert found["Tune?", "Train model"] == found["Train model", "Find champion"] == "taken"
    assert found["Tune?", "Tune hyperparameters"] == "not-taken"
    assert found["Move champion pointer", "Find champion"] == "not-taken catch back"
    assert found["Deploy?", "Notify"] == "not-taken skip"


def test_a_branch_is_taken_from_the_state_that_leads_there() -> None:
    """Two children at once: what one did in between is not what led the other on."""
    steps = [("Train child", 0), ("Train child", 0), ("Sum up child", 1), ("Find child", 1)]
    found = classes(of_machine(*(visit(name, start, 1) for name, start in steps)))
    assert found["Train child", "Sum up child"] == "taken"
    assert found["Train child", "Find child"] == "taken catch"


def test_this_run_only_shows_what_was_visited() -> None:
    found = of_machine(visit("Tune?", 0, 0), visit("Train model", 0, 5), visited_only=True)
    assert [each.name for each in found.rows] == ["Tune?", "Train model"]
    assert drawn(found) == [("Tune?", "Train model")]
    assert of_machine(visited_only=True).rows == ()


def test_a_state_that_was_passed_by_says_why() -> None:
    notes = {"Ingest raw data": "reused from 20261121-024833-1a2b3c4d"}
    found = of_machine(visit("Tune?", 0, 0), visited_only=True, notes=notes)
    assert [(each.name, each.note) for each in found.rows] == [*notes.items(), ("Tune?", "")]
    assert row(found, "Ingest raw data").status is None


def test_states_of_an_earlier_machine_are_left_out() -> None:
    assert not any(each.visits for each in of_machine(visit("Renamed since", 0, 1)).rows)


def test_a_machine_of_lambdas_follows_the_work() -> None:
    def task(following: str) -> dict[str, str]:
        return {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Next": following}

    machine = {
        "StartAt": "Any?",
        "States": {
            "Any?": {"Type": "Choice", "Choices": [{"Next": "None"}], "Default": "First"},
            "None": {"Type": "Succeed"},
            "First": task("Second"),
            "Second": task("Third"),
            "Third": task("Done"),
            "Done": {"Type": "Succeed"},
        },
    }
    assert layout(machine).main == {"Any?", "First", "Second", "Third", "Done"}


@given(st.data())
@settings(max_examples=60)
def test_any_machine_can_be_drawn(data: st.DataObject) -> None:
    machine = data.draw(machines())
    states = [name for name, _ in all_states(machine)]
    fixed = layout(machine)
    assert sorted(name for item in fixed.items for name in states_of(item)) == sorted(fixed.order) == sorted(states)
    full = everything(machine)
    assert [each.name for each in full.rows] == list(fixed.order)
    assert sorted(drawn(full)) == sorted(transitions(machine))
    check_lanes(full)
    visits = [visit(name, start, 1) for start, name in enumerate(data.draw(st.lists(st.sampled_from(states))))]
    unfolded = data.draw(st.sets(st.sampled_from(fixed.groups)) if fixed.groups else st.just(set()))
    some = picture(fixed, visits, now=START, unfolded=frozenset(unfolded))
    assert sum(each.folded for each in some.rows) == len(states)
    assert {each.name: each.visits for each in some.rows if each.visits} == {
        name: [each.name for each in visits].count(name) for name in {each.name for each in visits}
    }
    assert len(set(drawn(some))) == len(some.paths)
    check_lanes(some)
    check_lanes(picture(fixed, visits, now=START, visited_only=True))
