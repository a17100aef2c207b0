"""What became true of a model's predictions: its page, with a picture beside what was promised."""

from __future__ import annotations

from dataclasses import replace

from tests.cli.test_truth import NEW, OLD, found
from tests.console.conftest import Console
from trainyard.console.quality_chart import HEIGHT, chart
from trainyard.run.documents import Metric
from trainyard.run.watch.observed import ObservedQuality

KEY = f"truth/propensity/model=propensity/dataset=november/{ObservedQuality.FILE}"


def test_a_model_s_page_shows_periods_versions_and_the_promise(console: Console) -> None:
    console.put_object(KEY, found().to_json())
    said = console.get("/models/propensity/truth").body.decode()
    assert "Data set november" in said
    assert "is worse than its evaluation promised" in said
    assert said.count("<circle") == 2
    assert 'class="promised"' in said
    assert 'class="worse"' in said
    assert f"Run {NEW} is better than run {OLD}" in said
    assert "100 are older than every prediction" in said


def test_a_run_that_verified_shows_what_it_found(console: Console) -> None:
    run_id = found().run_id
    console.put_object(f"propensity/{run_id}/verify/{ObservedQuality.FILE}", found().to_json())
    said = console.get(f"/runs/propensity/{run_id}/report").body.decode()
    assert "What became true of propensity" in said
    assert "has left no report" not in said


def test_what_files_say_is_escaped(console: Console) -> None:
    console.put_object(KEY, replace(found(), dataset="<script>alert(1)</script>", message="<b>x</b>").to_json())
    said = console.get("/models/propensity/truth").body.decode()
    assert "<script>alert(1)" not in said
    assert "<b>x</b>" not in said


def test_a_model_that_nothing_was_told_of_says_how(console: Console) -> None:
    said = console.get("/models/propensity/truth").body.decode()
    assert "Nobody has told yet" in said
    assert "trainyard truth propensity --data FILE --dataset NAME" in said


def test_the_band_and_the_intervals_are_drawn_to_one_scale() -> None:
    model = found().models[1]
    drawn = chart(model)
    assert drawn is not None
    first, last = drawn.marks
    assert drawn.bottom == last.low or last.low > last.y > last.high
    assert drawn.promised_low is not None
    assert drawn.promised_high is not None
    assert drawn.promised_high < first.y < drawn.promised_low < last.high < HEIGHT
    assert chart(replace(model, periods=())) is None
    alone = chart(replace(model, promised=Metric(value=0.7)))
    assert alone is not None
    assert alone.promised_low is None
