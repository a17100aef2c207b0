"""Resolve while files arrive: one model per set, with its settings, in whatever order and at whatever distance."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lambdas.settling_world import SETTLING, Upload, World
from trainyard.run.plan import NextStep, Plan
from trainyard.run.settings.policy import Policy

FILES = ("ratings.csv", "movies.csv", "tags.csv", "links.csv", "run.json")


def uploads(*names: str, gap: float = 5.0) -> list[Upload]:
    return [Upload(name=name, after=10 + gap * index) for index, name in enumerate(names)]


def one_after_another(names: Sequence[str], gaps: Sequence[float], late: Sequence[float]) -> list[Upload]:
    times = itertools.accumulate(gaps)
    return [Upload(name=name, after=at, late=delay) for name, at, delay in zip(names, times, late, strict=True)]


def ending(world: World, name: str) -> Plan:
    """How the execution of a file ended; of a file uploaded once."""
    return next(plans[-1] for execution, plans in world.plans.items() if execution.endswith(f"-{name}"))


@pytest.mark.parametrize("order", list(itertools.permutations(FILES))[::13])
def test_five_files_in_any_order_train_once_with_their_settings(order: tuple[str, ...]) -> None:
    world = World().run(uploads(*order))
    (plan,) = world.trainings
    (request,) = world.requests
    assert plan.objects == {name: version for name, version in world.latest().items() if name != "run.json"}
    assert request["config"]["seed"] == 7
    assert {each["source"] for each in request["files"]} == {"ratings", "movies", "tags", "links"}
    assert plan.waited_seconds >= SETTLING


COMING = st.builds(
    Upload,
    name=st.sampled_from([*FILES, "ratings-2.csv", "export/part-00000.csv"]),
    after=st.floats(0, SETTLING - 0.001),
    began=st.sampled_from([0.0, 0.0, 0.0, 3.0, 500.0]),
    late=st.floats(0, 300),
    again=st.sampled_from([None, None, 1.0, 1000.0]),
)


@settings(max_examples=250, deadline=None)
@given(st.lists(COMING, min_size=1, max_size=7), st.booleans(), st.booleans())
def test_whatever_arrives_within_the_settling_time_trains_once(coming: list[Upload], whole: bool, done: bool) -> None:
    """`after` is the gap before each: shorter than the settling time; some come in parts, late, twice, or anew."""
    coming = [Upload(name="ratings.csv", after=0.0), *coming, *([Upload(name="_READY", after=5.0)] if done else [])]
    at = itertools.accumulate(each.after for each in coming)
    arriving = [
        Upload(name=each.name, after=1000 + time, began=each.began, late=each.late, again=each.again)
        for each, time in zip(coming, at, strict=True)
    ]
    world = World(whole=whole).run(arriving)
    assert len(world.trainings) == 1
    others = ("run.json", "_READY")
    assert world.trainings[0].objects == {
        name: version for name, version in world.latest().items() if name not in others
    }
    assert world.requests[0]["config"]["seed"] == (7 if "run.json" in world.latest() else 42)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(FILES), st.floats(0, 4 * SETTLING)), min_size=1, max_size=8),
    st.lists(st.floats(0, 200), min_size=8, max_size=8),
)
def test_the_newest_set_is_always_trained_and_none_twice(files: list[tuple[str, float]], late: list[float]) -> None:
    names = ["ratings.csv", *(name for name, _ in files)]
    arriving = one_after_another(names, [0.0, *(gap for _, gap in files)], [0.0, *late][: len(names)])
    world = World().run(arriving)
    sets = [tuple(sorted((plan.objects or {}).items())) for plan in world.trainings]
    assert len({(each, plan.fingerprint) for each, plan in zip(sets, world.trainings, strict=True)}) == len(sets)
    data = {name: version for name, version in world.latest().items() if name != "run.json"}
    assert tuple(sorted(data.items())) in sets


def test_those_of_earlier_files_end_and_say_for_which() -> None:
    world = World().run(uploads("run.json", "ratings.csv", "movies.csv"))
    assert ending(world, "run.json").reason == "waiting for ratings.csv"
    said = "superseded by the upload of movies.csv, whose execution goes on"
    assert ending(world, "ratings.csv").reason == said
    assert ending(world, "ratings.csv").waited_seconds == SETTLING + 1
    assert set(ending(world, "ratings.csv").objects or ()) == {"run.json", "ratings.csv", "movies.csv"}


def test_a_ready_file_ends_the_wait_for_everybody() -> None:
    world = World().run(uploads("ratings.csv", "movies.csv", "_READY"))
    (plan,) = world.trainings
    assert plan.waited_seconds == 0
    assert "_READY" in ending(world, "movies.csv").reason


def test_a_ready_file_of_an_earlier_upload_means_nothing() -> None:
    world = World().run([*uploads("ratings.csv", "_READY"), Upload(name="movies.csv", after=1000)])
    assert [plan.waited_seconds for plan in world.trainings] == [0, SETTLING + 1]


def test_uploads_of_a_set_that_somebody_starts_by_hand_train_nothing() -> None:
    """S3 lists whole seconds: the file that says so may be as old as the others."""
    arriving = [Upload(name="ratings.csv", after=0.1), Upload(name="movies.csv", after=0.2)]
    world = World().run([*arriving, Upload(name="_BY_HAND", after=0.3)])
    assert world.trainings == []
    assert "started by hand" in ending(world, "movies.csv").reason
    later = World().run([*uploads("ratings.csv", "_BY_HAND"), Upload(name="ratings.csv", after=1000, again=True)])
    assert len(later.trainings) == 1


def test_a_set_that_changes_for_ever_keeps_no_execution_for_ever() -> None:
    world = World().run([Upload(name=f"ratings-{each}.csv", after=100.0 * each) for each in range(50)])
    assert len(world.trainings) == 1
    assert max(len(plans) for plans in world.plans.values()) == 2


def test_a_large_file_whose_upload_began_first_and_ended_last_is_not_taken_for_an_old_one() -> None:
    """S3 lists the time at which its upload began."""
    world = World().run([Upload(name="movies.csv", after=20), Upload(name="ratings.csv", after=700, began=690, late=2)])
    (plan,) = world.trainings
    assert set(plan.objects or ()) == {"movies.csv", "ratings.csv"}


def test_a_file_that_is_deleted_while_it_is_waited_for_leaves_the_rest_to_train() -> None:
    gone = Upload(name="tags.csv", after=30, deletes=True)
    (plan,) = World().run([*uploads("movies.csv", "ratings.csv", "tags.csv"), gone]).trainings
    assert set(plan.objects or ()) == {"movies.csv", "ratings.csv"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (".DS_Store", "ignored: .DS_Store is no data"),
        ("README.txt", "ignored: README.txt is no data"),
        ("__MACOSX/._ratings.csv", "ignored: __MACOSX/._ratings.csv is no data"),
        ("film.mp4", "waiting for ratings.csv; ignored, for no format that is read has such an ending: film.mp4"),
        ("movies.csv", "waiting for ratings.csv"),
        ("movies.csv.zip", "waiting for ratings.csv"),
        ("run.json", "waiting for ratings.csv"),
        ("_READY", "waiting for ratings.csv"),
    ],
)
def test_a_file_that_makes_no_set_starts_nothing_and_nobody_is_told(name: str, said: str) -> None:
    world = World().run([Upload(name=name, after=0)])
    (plan,) = world.plans["e0-" + name]
    assert plan.outcome is NextStep.NOTHING
    assert plan.reason.startswith(said)


@pytest.mark.parametrize("name", ["films.zip", "films.tar.gz", "movies.tgz", "movies.xlsx", "films/movies.tar"])
def test_what_may_hold_several_tables_may_be_the_whole_set_whatever_it_is_called(name: str) -> None:
    (plan,) = World().run(uploads(name, "_READY")).trainings
    assert set(plan.objects or ()) == {name}


def test_debris_beside_a_set_neither_delays_nor_supersedes_it() -> None:
    arriving = [*uploads("ratings.csv", "_READY"), Upload(name=".DS_Store", after=16)]
    (plan,) = World().run(arriving).trainings
    assert plan.waited_seconds == 0


def test_settings_that_are_wrong_are_told_once() -> None:
    world = World(run_json={"sed": 1}).run(uploads(*FILES))
    refused = [plans[-1] for plans in world.plans.values() if plans[-1].outcome is NextStep.REFUSED]
    assert len(refused) == 1
    assert "sed: unknown setting" in refused[0].reason
    assert world.trainings == []


def test_files_in_folders_and_files_of_unknown_names_belong_to_the_set() -> None:
    world = World(run_json={"files": {"ratings": {"file": "plays*.tsv"}}})
    world.run(uploads("plays-1.tsv", "sub/plays-2.tsv", "ratings.csv", "movies.parquet/part-0.parquet", "run.json"))
    (request,) = world.requests
    assert [(each["key"].split("/", 3)[3], each["source"]) for each in request["files"]] == [
        ("movies.parquet/part-0.parquet", "movies"),
        ("plays-1.tsv", "ratings"),
        ("ratings.csv", ""),
        ("sub/plays-2.tsv", "ratings"),
    ]


def test_a_file_whose_name_tells_nothing_completes_a_set_for_its_content_has_to_tell() -> None:
    world = World().run(uploads("export.xlsx"))
    (plan,) = world.trainings
    assert plan.objects == {"export.xlsx": "v0"}
    assert world.requests[0]["files"][0]["source"] == ""


@pytest.mark.parametrize("name", ["shop.db", "propensity.sqlite", "visits.sqlite3"])
def test_a_database_file_is_known_by_its_ending(name: str) -> None:
    world = World(recipe="propensity").run(uploads(name))
    assert world.requests[0]["files"][0]["source"] == "database"


def test_settings_that_name_a_database_start_nothing_by_themselves() -> None:
    """Not even where an upload may change everything; by default it may not ask for the database at all."""
    asked = {"data": {"source": "database"}}
    world = World(recipe="propensity", run_json=asked, policy=Policy(upload=Policy().start)).run(uploads("run.json"))
    (plan,) = world.plans["e0-run.json"]
    assert (plan.outcome, plan.reason.split(",")[0]) == (
        NextStep.NOTHING,
        "with these settings the data come from a database",
    )


def test_without_a_settling_time_nobody_waits() -> None:
    world = World(settling=0).run(uploads("ratings.csv", "movies.csv", gap=1000.0))
    assert [plan.waited_seconds for plan in world.trainings] == [0, 0]
