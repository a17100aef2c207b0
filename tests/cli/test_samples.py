"""Samples are made whole or not at all, and a data folder is sorted into what the recipe reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainyard.cli.dataset import samples
from trainyard.client.dataset.data_folder import files_of
from trainyard.errors import ConfigError, NotFound, TrainyardError
from trainyard.run import recipe


def test_a_sample_is_made_once_and_used_again(tmp_path: Path) -> None:
    first, made = samples.cached("prod2vec", tmp_path, size=1000, seed=1)
    again, made_again = samples.cached("prod2vec", tmp_path, size=1000, seed=1)
    assert (made, made_again, first) == (True, False, again)
    found = files_of("prod2vec", recipe.config("prod2vec"), directory=first)
    assert {"order_products__prior.csv", "products.csv"} <= found.data.keys()
    assert (found.others, found.missing) == ((), ())


def test_an_interrupted_sample_is_not_taken_for_a_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(directory: Path, **_: int) -> None:
        (directory / "products.csv").write_text("half", encoding="utf-8")
        raise KeyboardInterrupt

    monkeypatch.setattr(recipe.module("prod2vec", "sample"), "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        samples.cached("prod2vec", tmp_path, size=1000, seed=1)
    monkeypatch.undo()
    folder, made = samples.cached("prod2vec", tmp_path, size=1000, seed=1)
    assert made
    assert (folder / "products.csv").read_text(encoding="utf-8").startswith("product_id")


def test_what_an_error_cut_off_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(directory: Path, **_: int) -> None:
        (directory / "products.csv").write_text("half", encoding="utf-8")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recipe.module("prod2vec", "sample"), "write", full)
    with pytest.raises(OSError, match="No space left"):
        samples.make("prod2vec", tmp_path / "data", size=1000, seed=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [".", "../here"])
def test_the_folder_one_is_in_is_filled_and_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    made = samples.make("prod2vec", Path(name), size=1000, seed=1)
    assert [each.name for each in made] == sorted(each.name for each in here.iterdir())
    assert Path.cwd().stat().st_ino == here.stat().st_ino
    assert [each.name for each in tmp_path.iterdir()] == ["here"]


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(TrainyardError, match="new or empty folder"):
        samples.make("prod2vec", tmp_path, size=1000, seed=1)
    assert [each.name for each in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_in_the_place_of_the_folder_is_named_as_one(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(
        TrainyardError, match=r"^Expected a new or empty folder, found a file: .*mine\.txt; name a folder\.$"
    ):
        samples.make("prod2vec", file, size=1000, seed=1)
    assert file.read_text(encoding="utf-8") == "mine"


def test_files_are_sorted_into_read_ignored_and_missing(tmp_path: Path) -> None:
    for name in ("products.csv.gz", "README.txt", "film.mp4", "run.json", ".git/config"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = files_of("prod2vec", recipe.config("prod2vec"), directory=tmp_path)
    assert found.data == {"products.csv.gz": tmp_path / "products.csv.gz"}
    assert found.others == (".git/config", "README.txt", "film.mp4")
    assert found.missing == ("order_products__prior.csv",)


def test_a_file_that_no_name_tells_a_table_of_may_be_what_is_missing(tmp_path: Path) -> None:
    for name in ("products.csv", "stock/list.tsv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = files_of("prod2vec", recipe.config("prod2vec"), directory=tmp_path)
    assert list(found.data) == ["products.csv", "stock/list.tsv"]
    assert found.missing == ()


def test_optional_files_go_first_so_that_a_set_trains_once(tmp_path: Path) -> None:
    for name in ("links.csv", "ratings-2.csv", "tags.csv"):
        (tmp_path / name).touch()
    (tmp_path / "ratings-1.csv").write_text("long")
    found = files_of("two_tower", recipe.config("two_tower"), directory=tmp_path)
    assert list(found.data) == ["links.csv", "tags.csv", "ratings-2.csv", "ratings-1.csv"]


def test_a_folder_without_the_recipes_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.md").touch()
    with pytest.raises(NotFound, match=r"products.*found notes\.md"):
        files_of("prod2vec", recipe.config("prod2vec"), directory=tmp_path)
    with pytest.raises(NotFound, match="found none at"):
        files_of("prod2vec", recipe.config("prod2vec"), directory=tmp_path / "nowhere")


@pytest.mark.parametrize(("text", "lines"), [("5000", 5000), ("10k", 10_000), ("1.5M", 1_500_000), ("1K", 1000)])
def test_sizes(text: str, lines: int) -> None:
    assert samples.size_of(text) == lines


@pytest.mark.parametrize("text", ["", "k", "0", "-5", "1.5", "nan", "inf", "ten", "1kk", "infk"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(ConfigError, match="Expected a size"):
        samples.size_of(text)


@given(st.text())
def test_any_text_is_a_size_or_refused(text: str) -> None:
    try:
        assert samples.size_of(text) >= 1
    except ConfigError:
        return
