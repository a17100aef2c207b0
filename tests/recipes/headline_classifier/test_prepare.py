"""Checks of the headline file, copies of headlines, and the split by story."""

import gzip
from pathlib import Path

import ibis
import pyarrow as pa
import pytest

from recipes.headline_classifier import prepare, sample
from recipes.headline_classifier.config import CONFIG, CORPUS, HEADLINES, WORD_PAIRS, sources
from tests.recipes.tables import read_sources, stored
from trainyard.errors import BadData
from trainyard.glue import engine
from trainyard.run.overrides import override
from trainyard.stages.ingest.csv_load import load
from trainyard.stages.ingest.csv_scan import plain

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


def read_file(tmp_path, source, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    rows = load(
        engine.connect(tmp_path), source, file=plain(path, name, scratch=tmp_path), target=tmp_path / "out.parquet"
    )
    return rows, ibis.duckdb.connect().read_parquet(tmp_path / "out.parquet").to_pyarrow().to_pylist()


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
        (many(60), "at least 100 headlines that are no copies, found 60"),
        (
            many(200, ("b",)),
            "at least 2 categories with at least 5 headlines each, and most headlines in such, found 'b'",
        ),
        (many(200, [f"some tag {i}" for i in range(200)]), "found 200 with at most 1 (such as 'some tag 0')"),
        (many(1010, [f"{i}" for i in range(101)]), "at most 100 categories, found 101, such as 0, 1, 10"),
        (table([(i, f"h {i}", None, f"s{i}") for i in range(200)]), "expected a CATEGORY to learn, found none in 200"),
        (
            table([(i, f"h {i}", "btem"[i % 4], f"s{i % 3}") for i in range(200)]),
            "20 different values of STORY, or texts that are not nearly alike, found 3",
        ),
    ],
)
def test_bad_headlines_are_refused_with_a_reason(tables, expected):
    problems = prepare.check(tables, CONFIG).problems
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
    rows, found = read_file(tmp_path, HEADLINES, "newsCorpora.csv", lines)
    assert rows == 2
    assert [row["TITLE"] for row in found] == ['"Open quote, never closed', 'Title with "inner" quotes']
    assert found[1]["PUBLISHER"] is None
    assert found[1]["TIMESTAMP"] == 1394470370699


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"2\tonly two\n", "line 2"),
        (b"x\tTitle\tu\tp\tb\ts\th\t1\n", "line 2"),
        (b"2\tT\tu\tp\tb\ts\th\t1\tmore\n", "line 2"),
    ],
)
def test_broken_lines_are_refused_with_their_number(tmp_path, line, expected):
    with pytest.raises(BadData, match=expected):
        read_file(tmp_path, HEADLINES, "newsCorpora.csv", b"1\tTitle\tu\tp\tb\ts\th\t1\n" + line)


def test_any_text_is_a_corpus_and_word_pairs_have_their_header(tmp_path):
    text = b' = "Title" = \n\nWords, with; "quotes"\tand tabs\n'
    rows, found = read_file(tmp_path, CORPUS, "corpus.txt", text)
    lines = [row["line"] for row in found]
    assert rows >= 2
    assert 'Words, with; "quotes"\tand tabs' in lines
    rows, found = read_file(tmp_path, WORD_PAIRS, "combined.csv", b"Word 1,Word 2,Human (mean)\ntiger,cat,7.35\n")
    assert found == [{"Word 1": "tiger", "Word 2": "cat", "Human (mean)": 7.35}]


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
    rows, found = read_file(tmp_path, HEADLINES, "newsCorpora.csv", gzip.decompress(DATA.read_bytes()))
    assert rows == 11096
    assert {row["CATEGORY"] for row in found} == set("btem")
