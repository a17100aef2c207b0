"""What became true of a model's predictions: its page, with a picture beside what was promised."""

from __future__ import annotations

from dataclasses import replace

from tests.cli.test_truth import NEW, OLD, found
from tests.console.conftest import Console
from tests.stages.test_model_card import KNOWN, RUN
from trainyard.console.quality_chart import HEIGHT, chart
from trainyard.run.documents import Metric
from trainyard.run.watch.observed import ObservedQuality
from trainyard.stages.model_card import model_card

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
    assert "began later" not in said
    console.put_object(f"propensity/{run_id}/verify/{ObservedQuality.FILE}", replace(found(), later_run=NEW).to_json())
    said = console.get(f"/runs/propensity/{run_id}/report").body.decode()
    assert f"Run {NEW} began later: what it found is the newest." in said


def test_the_card_of_a_version_says_how_it_turned_out(console: Console) -> None:
    console.put_object(f"propensity/{NEW}/gate/model_card.json", model_card(KNOWN))
    trained = replace(RUN, recipe="propensity", run_id=NEW)
    console.put_object(f"propensity/{NEW}/resolve/request.json", trained.to_json())
    assert "How it turned out" not in console.get(f"/runs/propensity/{NEW}/card").body.decode()
    console.put_object(KEY, replace(found(), dataset="<november>").to_json())
    said = console.get(f"/runs/propensity/{NEW}/card").body.decode()
    assert "<h2>How it turned out</h2>" in said
    assert "<dt>data set &lt;november&gt;</dt><dd>as of 2026-11-" in said
    assert "worse than promised: auc 0.75 (0.73 to 0.77) by 1,740 labels, promised 0.77 (0.74 to 0.8)" in said
    assert "newest 0.6 (0.58 to 0.62) by 900 labels from 2026-11-30" in said


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
