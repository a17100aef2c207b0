"""`trainyard check` says how files would be read: what is which table, what is missing, and what to write about it."""

from __future__ import annotations

import json

import pytest

from recipes.propensity import sample
from trainyard.cli.main import main

HEADER = "user;artist;weight\n"


@pytest.fixture
def plays(tmp_path):
    """Plays of artists, as a European spreadsheet exports them, and files that nobody means."""
    lines = [
        f"u{user};{(7 * user + place) % 40:06d}X;{1 + (user * place) % 5},5\n"
        for user in range(30)
        for place in range(9)
    ]
    (tmp_path / "plays.csv").write_text(HEADER + "".join(lines), encoding="utf-8")
    (tmp_path / ".DS_Store").write_bytes(b"\0\1\2")
    return tmp_path


def test_columns_tell_the_table_and_the_first_rows_are_shown(plays, capsys):
    assert main(["check", "two_tower", "--data", str(plays)]) == 0
    shown = capsys.readouterr().out
    assert "plays.csv: read as semicolon, decimal comma" in shown
    assert "movieId is the column artist" in shown
    assert "ratings, 270 rows" in shown
    assert "000001X" in shown
    assert "two_tower can make a model of these data" in shown


def test_what_is_missing_is_told_with_the_setting_that_helps(plays, capsys):
    text = (plays / "plays.csv").read_text()
    (plays / "plays.csv").write_text(text.replace("artist", "wer_spielt"), encoding="utf-8")
    assert main(["check", "two_tower", "--data", str(plays)]) == 3
    told = capsys.readouterr().out
    assert "user, wer_spielt, weight" in told
    assert '"movieId": "' in told
    settings = ["--set", "files.ratings.file=plays.csv", "--set", "files.ratings.columns.movieId=wer_spielt"]
    assert main(["check", "two_tower", "--data", str(plays), *settings]) == 0


def test_a_table_without_a_row_that_can_be_read_is_a_sentence(plays, capsys):
    (plays / "plays.csv").write_text(HEADER + "u1;x;many\nu2;y;few\n", encoding="utf-8")
    assert main(["check", "two_tower", "--data", str(plays)]) == 3
    assert "expected a number such as 1.5 in column rating, found 'many'" in capsys.readouterr().out


def test_a_program_gets_the_same_as_json(plays, capsys):
    assert main(["check", "two_tower", "--data", str(plays), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["ok"]
    [table] = document["previews"]
    assert table["table"] == "ratings"
    assert [name for name, _ in table["columns"]] == ["userId", "movieId", "rating"]
    assert table["rows"][0] == ["u0", "000000X", "1.5"]


def test_a_long_file_is_looked_at_in_part(plays, capsys, monkeypatch):
    monkeypatch.setattr("trainyard.client.dataset.check.LOOKED_AT_BYTES", 2000)
    assert main(["check", "two_tower", "--data", str(plays), "--set", "data.min_users=5"]) == 0
    assert "Of plays.csv only the beginning was looked at." in capsys.readouterr().out


def test_a_folder_without_data_and_none_are_one_sentence(tmp_path, capsys):
    assert main(["check", "two_tower", "--data", str(tmp_path)]) == 4
    assert "found no file of data in" in capsys.readouterr().err
    assert main(["check", "two_tower", "--data", str(tmp_path / "none")]) == 4
    assert "Expected a folder with files to check, found none at" in capsys.readouterr().err


def test_a_database_is_taken_apart_as_in_the_workflow(tmp_path, capsys):
    sample.write(tmp_path, size=20_000, seed=5)
    assert main(["check", "propensity", "--data", str(tmp_path), "--set", "data.min_sales=10"]) == 0
    shown = capsys.readouterr().out
    assert "visits, " in shown
    assert "\npopulation" in f"\n{shown}"
    assert "propensity can make a model of these data" in shown
    assert "progress=" not in shown
