"""Kinds of files that are no plain table of a recipe: recognised, or answered with a sentence that says what to do."""

from __future__ import annotations

import sqlite3

import pytest

from tests.reading.reads import csv, problem, reading, rows
from trainyard.client.dataset.check import data_files, look, read_tables
from trainyard.contract.file_names import is_debris
from trainyard.errors import NotFound
from trainyard.reading.model import Reading
from trainyard.run import recipe

HEADLINES = [
    '__label__money banks, shares and "bonds" up',
    "__label__sport the team won\tagain",
    "__label__money rates",
]
STEAM = [
    "151603712,Portal,purchase,1.0,0",
    "151603712,Portal,play,12.5,0",
    '99,"Half-Life 2, Episode One",purchase,1.0,0',
]
PLAYS = ["a1\tm-1\tNina\t191", "a1\t\tNo id\t12", "b2\tm-1\tNina\t7"]
PROFILE = [f"{key}\tf\t{age}\tGermany\tDec {age}, 2007" for key, age in (("a1", 21), ("b2", 22), ("c3", 23))]
SCROBBLES = "uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid"


def read(recipe_name, folder, **files) -> Reading:
    sources = recipe.sources(recipe_name, recipe.config(recipe_name))
    named = {name.replace("__", "."): "\n".join([*lines, ""]).encode() for name, lines in files.items()}
    return reading(folder, {name.replace("_", "-"): data for name, data in named.items()}, *sources, share=0.01)


def test_lines_with_labels_are_texts_and_their_classes(tmp_path):
    found = read("headline_classifier", tmp_path, data__txt=HEADLINES)
    assert [(row[1], row[3]) for row in rows(found, "headlines")] == [
        ('banks, shares and "bonds" up', "money"),
        ("the team won\tagain", "sport"),
        ("rates", "money"),
    ]
    assert "read as no header, lines with labels; TITLE is the column text" in found.quality.notes[0]


def test_of_several_labels_the_first_counts_and_the_note_says_so(tmp_path):
    found = read("headline_classifier", tmp_path, train__txt=["__label__a __label__b über uns", "__label__c drei"])
    assert [(row[1], row[3]) for row in rows(found, "headlines")] == [("über uns", "a"), ("drei", "c")]
    assert "the first of several" in found.quality.notes[0]


def test_a_text_that_begins_with_a_label_once_is_no_file_of_labels(tmp_path):
    found = read("headline_classifier", tmp_path, data__csv=["label,text", "a,__label__x is a mark", "b,two"])
    assert [row[3] for row in rows(found, "headlines")] == ["a", "b"]


def test_games_that_were_bought_and_played_come_once_with_their_hours(tmp_path):
    found = read("two_tower", tmp_path, steam_200k__csv=STEAM)
    assert [row[:3] for row in rows(found, "ratings")] == [
        (151603712, "Portal", 12.5),
        (99, "Half-Life 2, Episode One", 1.0),
    ]


def test_such_a_layout_is_that_of_no_other_file(tmp_path):
    assert "expected the file ratings" in problem(read("two_tower", tmp_path, export__csv=STEAM))


def test_plays_of_artists_are_by_name_and_profiles_are_no_plays(tmp_path):
    files = {"usersha1_artmbid_artname_plays__tsv": PLAYS, "usersha1_profile__tsv": PROFILE}
    found = read("two_tower", tmp_path, **files)
    assert [row[:3] for row in rows(found, "ratings")] == [("a1", "Nina", 191), ("a1", "No id", 12), ("b2", "Nina", 7)]
    assert any(note.startswith("usersha1-profile.tsv was not read") for note in found.quality.notes)


def test_an_export_without_users_is_asked_about_users_first(tmp_path):
    lines = [f"{1_200_000_000 + at},,Nina,,Pastel,,Song {at},"[:80] for at in range(5)]
    said = problem(
        reading(
            tmp_path, {"scrobbles.csv": csv(SCROBBLES, lines)}, *recipe.sources("two_tower", recipe.config("two_tower"))
        )
    )
    assert "expected the column userId of ratings" in said
    assert "movieId" not in said


def test_a_document_as_the_only_file_is_answered_in_a_sentence(tmp_path):
    (tmp_path / "ratings.md").write_text("| user | film |\n|---|---|\n| a | b |\n")
    with pytest.raises(NotFound, match=r"ratings\.md, which counts as a description; save the table in it as CSV"):
        look("two_tower", tmp_path, settings={}, scratch=tmp_path)


@pytest.mark.parametrize("tables", [{"sessions": "id, pages, bought"}, {"a": "x", "leads": "id, channel, converted"}])
def test_a_database_of_another_schema_is_answered_in_a_sentence_with_the_way_out(tmp_path, tables):
    data, scratch = tmp_path / "data", tmp_path / "scratch"
    data.mkdir(), scratch.mkdir()
    with sqlite3.connect(data / "shop.db") as database:
        for name, columns in tables.items():
            database.execute(f"CREATE TABLE {name} ({columns})")
    database.close()
    config = recipe.config("propensity")
    sources = recipe.sources("propensity", config)
    found = read_tables(
        "propensity", data_files(data, sources, config=config), sources=sources, config=config, scratch=scratch
    )
    widest = [*tables][-1]
    assert len(found.quality.problems) == 1
    assert f"sqlite3 -header -csv DATABASE 'SELECT * FROM \"{widest}\"' > {widest}.csv" in problem(found)


def test_files_of_other_endings_are_named_with_those_that_can_be_read(tmp_path):
    (tmp_path / "scores.dta").write_bytes(b"stata")
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(NotFound, match=r"but scores\.dta; what can be read ends in \.csv, .*\.xlsx"):
        look("propensity", tmp_path, settings={}, scratch=tmp_path)


@pytest.mark.parametrize("name", ["changes.csv", "license_plates.csv", "credits/part-0.parquet", "notice.csv.gz"])
def test_a_table_may_be_called_as_a_document(name):
    assert not is_debris(name)
    assert is_debris(name.replace(".csv", ".txt").replace(".parquet", ".txt"))
