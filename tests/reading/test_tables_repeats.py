"""Lines that name the same thing: the latest, the first, their sum, or a refusal; files that arrive one by one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest

from tests.reading.reads import THINGS, csv, problem, reading, rows
from trainyard.contract.sources import Column, FileSettings, Source
from trainyard.reading.model import LocalFile
from trainyard.reading.read import read

PLAYS = Source(
    name="plays",
    files=("plays",),
    columns=(
        Column(name="user", type="id"),
        Column(name="item", type="id"),
        Column(name="count", type="int64", required=False, nullable=True),
        Column(name="weight", type="float64", required=False, nullable=True),
        Column(name="at", type="timestamp", required=False, nullable=True),
    ),
    unique=("user", "item"),
    repeats="latest",
    latest_by="at",
)
HEADER = "user,item,count,weight,at"
LINES = ["1,a,1,0.5,300", "2,a,2,1,100", "1,a,4,0.5,200", "1,b,8,1,", "1,a,16,2,100", "1,b,32,1,"]


@pytest.mark.parametrize(
    ("rule", "kept", "says"),
    [
        ("latest", [(1, "a", 1), (2, "a", 2), (1, "b", 32)], "such as user 1, item a: the latest by at stays."),
        ("first", [(1, "a", 1), (2, "a", 2), (1, "b", 8)], "the first of them stays."),
        ("sum", [(1, "a", 21), (2, "a", 2), (1, "b", 40)], "they are one line with the numbers added up."),
    ],
)
@pytest.mark.parametrize("parts", [1, 2])
def test_repeated_lines_are_resolved_and_counted(tmp_path, rule, kept, says, parts):
    cut = len(LINES) // parts
    files = {f"plays-{at}.csv": csv(HEADER, LINES[at * cut : (at + 1) * cut]) for at in range(parts)}
    found = reading(tmp_path, files, PLAYS, plays=FileSettings(repeats=rule))
    assert sorted(row[:3] for row in rows(found, "plays")) == sorted(kept)
    assert found.quality.figures == {"plays_rows": 3.0, "plays_repeated": 3.0}
    assert says in found.quality.warnings[0]
    assert ": 3 lines repeat user and item of another one" in found.quality.warnings[0]


def test_without_moments_the_last_line_counts(tmp_path):
    found = reading(tmp_path, {"plays.csv": csv("user,item,weight", ["1,a,1", "1,a,2"])}, PLAYS)
    assert [row[3] for row in rows(found, "plays")] == [2.0]
    assert found.quality.warnings[0].endswith("the last of them stays.")


def test_the_order_of_the_file_is_kept(tmp_path):
    lines = [f"{each % 500},{each % 3},{each}" for each in range(3000)]
    found = reading(tmp_path, {"plays.csv": csv("user,item,count", lines)}, PLAYS, plays=FileSettings(repeats="first"))
    counts = [row[2] for row in rows(found, "plays")]
    assert counts == sorted(counts)
    assert 3000 - len(counts) == found.quality.figures["plays_repeated"] > 0


def test_repetitions_are_refused_where_a_recipe_says_so(tmp_path):
    header = "id,name,price"
    text = problem(reading(tmp_path, {"things.csv": csv(header, ["1,x,1", "2,y,2", "1,z,3", "1,w,4"])}, THINGS))
    assert "things.csv, line 4: expected each id once, found 2 repeated lines, such as id 1; remove" in text
    assert "files.things.repeats" in text
    files = {"things-1.csv": csv(header, ["1,x,1", "2,y,2"]), "things-2.csv": csv(header, ["3,z,3", "1,w,4"])}
    assert "things-2.csv, line 3: expected each id once" in problem(reading(tmp_path, files, THINGS))
    files = {"things.csv": csv(header, [*(f"{each},x,1" for each in range(150)), "bad,x,1", "149,z,1"])}
    assert "things.csv, line 153: expected each id once" in problem(reading(tmp_path, files, THINGS, share=0.01))


def test_keys_that_are_missing_repeat_nothing(tmp_path):
    source = dataclasses.replace(THINGS, columns=(Column(name="id", type="id", nullable=True), *THINGS.columns[1:]))
    found = reading(tmp_path, {"things.csv": csv("id,name,price", [",x,1", "NA,y,2", "7,z,3"])}, source)
    assert len(rows(found)) == 3


@pytest.mark.parametrize("repeated", [0, 499, 998])
def test_a_repeated_line_is_found_however_far_away(tmp_path, monkeypatch, repeated):
    monkeypatch.setattr("trainyard.reading.repeats.HASHES_AT_ONCE", 64)
    lines = [f"{number}k,x,1" for number in range(1000)]
    keyed = dataclasses.replace(THINGS, columns=(Column(name="id", type="id"), *THINGS.columns[1:]))
    assert len(rows(reading(tmp_path, {"things.csv": csv("id,name,price", lines)}, keyed))) == 1000
    found = reading(tmp_path, {"things.csv": csv("id,name,price", [*lines, lines[repeated]])}, keyed)
    assert f"line 1,002: expected each id once, found 1 repeated line, such as id {repeated}k;" in problem(found)


def test_files_are_removed_as_they_are_read(tmp_path):
    """A file is fetched when the one before it is gone, so that the disk holds one at a time."""
    (tmp_path / "scratch").mkdir()
    data = csv("id,name,price", ["1,x,1", "2,y,1"])

    def fetched() -> Iterator[LocalFile]:
        for at in range(3):
            assert not list((tmp_path / "scratch").glob("*/*.csv"))
            path = tmp_path / "scratch" / "file.csv"
            assert not path.exists()
            path.write_bytes(data.replace(b"\n1,", f"\n1{at},".encode()).replace(b"\n2,", f"\n2{at},".encode()))
            yield LocalFile(name=f"things-{at}.csv", path=path, source="things")

    found = read(fetched(), (THINGS,), settings={}, max_bad_share=0.0, scratch=tmp_path / "scratch", consume=True)
    assert len(rows(found)) == 6


def test_files_of_people_stay_where_they_are(tmp_path):
    rows(reading(tmp_path, {"things.csv": csv("id,name,price", ["1,x,1"])}, THINGS))
    assert (tmp_path / "uploads" / "things.csv").exists()


def test_a_row_without_a_time_is_as_old_as_the_upload_of_its_file_whenever_it_is_read(tmp_path):
    source = dataclasses.replace(
        PLAYS,
        columns=tuple(
            dataclasses.replace(each, of_upload=True) if each.name == "at" else each for each in PLAYS.columns
        ),
    )
    files = {
        "plays-a.csv": (b"user,item\n1,a\n2,a\n", "2026-11-03T00:00:00"),
        "plays-b.csv": (b"user,item,at\n1,a,2026-11-01\n3,a,\n", "2026-11-02T00:00:00"),
        "plays-c.csv": (b"user,item,at\n4,a,2026-11-01\n5,a,never\n" + b"6,a,2026-11-01\n" * 3, ""),
    }
    for number in range(2):
        uploads = []
        for name, (content, moment) in files.items():
            path = tmp_path / f"{number}-{name}"
            path.write_bytes(content)
            uploads.append(LocalFile(name=name, path=path, source="plays", uploaded_at=moment))
        scratch = tmp_path / str(number)
        scratch.mkdir()
        found = read(uploads, [source], settings={}, max_bad_share=0.5, scratch=scratch)
        told = {user: f"{at:%d}" if at else "" for user, *_, at in rows(found, "plays")}
        assert {each: told[each] for each in (1, 2, 3, 4)} == {1: "03", 2: "03", 3: "02", 4: "01"}
