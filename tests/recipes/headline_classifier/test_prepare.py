"""Checks of the headline file, copies of headlines, and the split by story."""

import gzip
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recipes.headline_classifier import prepare, sample
from recipes.headline_classifier.config import CONFIG, sources
from tests.recipes.tables import read_sources, stored
from trainyard.contract.sources import FileSettings
from trainyard.reading.model import LocalFile
from trainyard.reading.read import read
from trainyard.run.settings.overrides import override

DATA = Path(__file__).parents[4] / "shared" / "data" / "news_aggregator" / "newsCorpora_sample_raw8.tsv.gz"


COLUMNS = ("ID", "TITLE", "DESCRIPTION", "CATEGORY", "STORY")


def table(rows):
    """Headlines as ingest writes them, from (ID, TITLE, CATEGORY, STORY)."""
    full = [dict(zip(COLUMNS, (key, title, None, *rest), strict=True)) for key, title, *rest in rows]
    types = (pa.int64(), *[pa.string()] * 4)
    return stored({"headlines": pa.Table.from_pylist(full, pa.schema(list(zip(COLUMNS, types, strict=True))))})


def many(count, classes="btem", **changes):
    rows = [(i, f"Headline number {i}", classes[i % len(classes)], f"story{i // 3}") for i in range(count)]
    return table([tuple(changes.get(str(i), row)) for i, row in enumerate(rows)])


def read_files(tmp_path, files, **settings):
    """What ingest makes of files: its judgement, and the rows of each table."""
    (tmp_path / "raw").mkdir()
    for name, content in files.items():
        (tmp_path / "raw" / name).write_bytes(content)
    tables = sources(CONFIG)
    given = [
        LocalFile(name=name, path=tmp_path / "raw" / name, source=next((s.name for s in tables if s.accepts(name)), ""))
        for name in files
    ]
    found = read(given, tables, settings=settings, max_bad_share=0.01, scratch=tmp_path)
    return found.quality, {name: pq.read_table(list(parts)).to_pylist() for name, parts in found.tables.items()}


def test_good_headlines_pass():
    quality = prepare.check(many(200), CONFIG)
    assert quality.ok
    assert not quality.warnings
    assert quality.figures["headlines"] == quality.figures["lines"] == 200
    assert quality.figures["classes"] == 4
    assert quality.figures["stories"] == 67


@pytest.mark.parametrize(
    "classes", [("ham", "spam"), ("science & nature", "Köln", "日本"), tuple(map(str, range(100)))]
)
def test_any_classes_are_learned_from_the_data(classes):
    quality = prepare.check(many(1000, classes), CONFIG)
    assert quality.ok, quality.problems
    assert quality.figures["classes"] == len(classes)
    kept = prepare.prepare(many(1000, classes), CONFIG)["headlines"].category.to_pyarrow().to_pylist()
    assert set(kept) == set(classes)


def test_a_class_with_few_headlines_is_left_out_and_named():
    few = {str(i): (i, f"Headline number {i}", "weather", f"story{i}") for i in (7, 8)}
    tables = many(200, ("a", "b"), **few)
    quality = prepare.check(tables, CONFIG)
    assert quality.ok
    assert "found fewer of weather (2); 2 headlines are left out" in quality.warnings[0]
    assert quality.figures["headlines"] == 198
    assert quality.figures["left_out"] == 2
    kept = prepare.prepare(tables, CONFIG)["headlines"].to_pyarrow().to_pylist()
    assert len(kept) == 198
    assert {row["category"] for row in kept} == {"a", "b"}


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        (lambda: many(60), "at least 100 headlines that are no copies, found 60"),
        (
            lambda: many(200, ("b",)),
            "at least 2 categories with at least 5 headlines each, and most headlines in such, found 'b'",
        ),
        (lambda: many(200, [f"some tag {i}" for i in range(200)]), "found 200 with at most 1 (such as 'some tag 0')"),
        (lambda: many(1010, [f"{i}" for i in range(101)]), "at most 100 categories, found 101, such as 0, 1, 10"),
        (
            lambda: table([(i, f"h {i}", None, f"s{i}") for i in range(200)]),
            "expected a CATEGORY to learn, found none in 200",
        ),
        (
            lambda: table([(i, f"h {i}", "btem"[i % 4], f"s{i % 3}") for i in range(200)]),
            "20 different values of STORY, or texts that are not nearly alike, found 3",
        ),
    ],
)
def test_bad_headlines_are_refused_with_a_reason(tables, expected):
    # A table that is made when tests are collected would outlive Python, of which DuckDB complains.
    problems = prepare.check(tables(), CONFIG).problems
    assert len(problems) == 1
    assert expected in problems[0]


def test_what_is_worth_knowing_of_categories_is_said():
    odd = {"1": (1, "Headline number 1", None, "x"), "2": (2, "Headline number 3", "b", "x")}
    odd |= {str(i): (i, f"Headline number {i}", "B", f"story{i}") for i in range(10, 20)}
    warnings = " ".join(prepare.check(many(200, **odd), CONFIG).warnings)
    assert "expected a CATEGORY in every line, found none in 1 of 200" in warnings
    assert "found several of 1 headlines that come more than once" in warnings
    assert "expected each CATEGORY in one spelling, found B and b" in warnings


def test_of_copies_the_smallest_id_stays_and_other_scripts_are_told_apart():
    rows = [
        (3, "Fed RAISES rates!", "b", "s1"),
        (1, '"Fed raises rates', "b", "s2"),
        (4, "日本", "b", "s1"),
        (5, "中国", "t", "s1"),
    ]
    config = override(CONFIG, {"data": {"min_per_class": 1}})
    found = prepare.prepare(table(rows), config)["headlines"].to_pyarrow().to_pylist()
    assert [row["headline_id"] for row in found] == ["1", "4", "5"]


def test_a_story_is_never_split():
    found = prepare.prepare(many(3000), CONFIG)["headlines"].to_pyarrow().to_pandas()
    assert (found.groupby("story").role.nunique() == 1).all()
    shares = found.role.value_counts(normalize=True)
    assert shares["holdout"] == pytest.approx(CONFIG.data.holdout_fraction, abs=0.04)
    assert shares["validation"] == pytest.approx(CONFIG.data.validation_fraction, abs=0.04)


def test_the_published_layout_is_read_with_stray_quotes_and_mixed_line_ends(tmp_path):
    lines = (
        b'1\t"Open quote, never closed\thttp://a\tPub\tb\ts1\twww.a\t1394470370698\r\n'
        b'2\tTitle with "inner" quotes\thttp://b\t\te\ts2\twww.b\t1394470370699\n'
    )
    quality, tables = read_files(tmp_path, {"newsCorpora.csv": lines})
    assert quality.ok, quality.problems
    assert [row["TITLE"] for row in tables["headlines"]] == ['"Open quote, never closed', 'Title with "inner" quotes']
    assert [row["CATEGORY"] for row in tables["headlines"]] == ["b", "e"]
    assert [row["STORY"] for row in tables["headlines"]] == ["s1", "s2"]


JSON_LINES = b"".join(
    b'{"headline": "Title %d", "category": "WORLD NEWS", "short_description": "text", "authors": ""}\n' % each
    for each in range(5)
)


@pytest.mark.parametrize(
    ("name", "content", "row"),
    [
        ("train.csv", b'"3","Title, one","What happened"\n' * 5, (None, "Title, one", "What happened", "3")),
        ("News_Category_Dataset_v3.json", JSON_LINES, (None, "Title 0", "text", "WORLD NEWS")),
        ("SMSSpamCollection", b"ham\tOk lar...\nspam\tFree entry\n" * 4, (None, "Ok lar...", None, "ham")),
        ("spam.csv", b"v1,v2,,,\n" + b"ham,\xa3 5 due,,,\n" * 5, (None, "£ 5 due", None, "ham")),
        (
            "export.csv",
            b"Titel;Kategorie;Nr\n" + b"Titel eins;Sport & Spiel;1\n" * 5,
            (None, "Titel eins", None, "Sport & Spiel"),
        ),
        ("data.csv", b"qid,question_text,target\n" + b"00a1,Why?,1.0\n" * 5, ("00a1", "Why?", None, "1")),
    ],
)
def test_layouts_that_people_have_are_known_without_a_setting(tmp_path, name, content, row):
    quality, tables = read_files(tmp_path, {name: content})
    assert quality.ok, quality.problems
    found = tables["headlines"][0]
    assert tuple(None if found[each] is None else str(found[each]) for each in COLUMNS[:4]) == row


def test_columns_that_nobody_knows_are_said(tmp_path):
    said = FileSettings(file="mail.csv", columns={"TITLE": "Betreff", "CATEGORY": "Ablage"})
    content = b"Betreff,Ablage,Nr\nHello there,inbox,1\nBuy now,junk,2\n"
    quality, tables = read_files(tmp_path, {"mail.csv": content}, headlines=said)
    assert quality.ok, quality.problems
    assert [row["CATEGORY"] for row in tables["headlines"]] == ["inbox", "junk"]


def test_any_text_is_a_corpus_and_word_pairs_have_their_header(tmp_path):
    text = b'Introduction\n\nWords, with; "quotes"\tand tabs\n' + b"A sentence without any of them.\n" * 9
    pairs = b"Word 1,Word 2,Human (mean)\ntiger,cat,7.35\n"
    headlines = b"title,category\n" + b"a title,b\n" * 3
    quality, tables = read_files(tmp_path, {"corpus.txt": text, "combined.csv": pairs, "news.csv": headlines})
    assert quality.ok, quality.problems
    assert 'Words, with; "quotes"\tand tabs' in [row["line"] for row in tables["corpus"]]
    assert tables["word_pairs"] == [{"Word 1": "tiger", "Word 2": "cat", "Human (mean)": 7.35}]


def test_names_of_classes_may_lie_beside_them(tmp_path):
    lines = b'"1","Rates rise","The Fed acts"\n' * 5
    quality, tables = read_files(tmp_path, {"train.csv": lines, "classes.txt": b"World\nSports\nSci/Tech\n"})
    assert quality.ok, quality.problems
    assert tables["class_names"][2] == {"class": 3, "name": "Sci/Tech"}


def test_the_sample_has_the_size_asked_for_and_is_read(tmp_path):
    planted = sample.write(tmp_path / "a", size=777, seed=1)
    sample.write(tmp_path / "b", size=777, seed=1)
    assert (tmp_path / "a" / sample.FILE).read_bytes() == (tmp_path / "b" / sample.FILE).read_bytes()
    tables = read_sources(ibis.duckdb.connect(), tmp_path / "a", sources(CONFIG))
    assert tables["headlines"].count().to_pyarrow().as_py() == 777
    assert set(planted["words"]) == set("btem")
    assert prepare.check(tables, CONFIG).ok


@pytest.mark.skipif(not DATA.exists(), reason="the real headlines are not beside the repository")
def test_real_headlines_are_accepted(tmp_path):
    quality, tables = read_files(tmp_path, {"newsCorpora.csv": gzip.decompress(DATA.read_bytes())})
    assert quality.ok, quality.problems
    assert len(tables["headlines"]) == 11096
    assert {row["CATEGORY"] for row in tables["headlines"]} == set("btem")
