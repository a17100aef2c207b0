"""The console in a real browser: what a person sees, does and is spared."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError
from playwright.sync_api import expect

from tests.cli.story import START, Story, execution_arn
from tests.console.conftest import WAIT_SECONDS, Console, Visitor
from tests.stages.test_model_card import KNOWN
from trainyard.client.execution.find_execution import find_execution
from trainyard.client.model import approval, models
from trainyard.console.views import home
from trainyard.stages.model_card import model_card

# They share a browser.
pytestmark = pytest.mark.xdist_group("console")
HOSTILE = "<img src=x onerror=alert(1)>\"'&</script>{{7*7}}"
RUN = "20261120-120000-abcdef12"
# One red pixel.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
# How many lines a text takes that an element begins with.
LINES = """(element, text) => {
    const range = document.createRange();
    const node = document.createTreeWalker(element, NodeFilter.SHOW_TEXT).nextNode();
    range.setStart(node, node.data.indexOf(text));
    range.setEnd(node, node.data.indexOf(text) + text.length);
    return range.getClientRects().length;
}"""
LOOKS = [(1400, "light"), (400, "dark")]
DECISION = {
    "promote": True,
    "summary": "promoted: hit_rate_at_10 0.35, better than popularity",
    "standing": "better than popularity",
    "metrics": {"hit_rate_at_10": {"value": 0.35, "low": 0.33, "high": 0.37}, "mrr": {"value": 0.2}},
    "checks": [{"name": "minimum", "passed": True, "sentence": "hit_rate_at_10 at least 0.1: it is 0.35."}],
}


def started(recipe: str = "prod2vec", dataset: str = "mine", **more: Any) -> str:
    return json.dumps({"recipe": recipe, "dataset": dataset, **more})


def registered(**more: Any) -> dict[str, Any]:
    output = {"outcome": "registered", "recipe": "prod2vec", "run_id": RUN, "decision": DECISION}
    stopped = datetime.now(UTC) - timedelta(minutes=3)
    return {"status": "SUCCEEDED", "stopDate": stopped, "output": json.dumps(output), "input": started(), **more}


def trained() -> Story:
    story = Story()
    story.resolved({"outcome": "train", "reason": "complete", "recipe": "prod2vec", "run_id": RUN})
    story.training()
    return story


def in_training() -> Story:
    story = Story()
    story.resolved({"outcome": "train", "reason": "complete", "recipe": "prod2vec", "run_id": RUN})
    story.enter("Train model")
    story.schedule("createTrainingJob.sync", {"TrainingJobName": "train-1"})
    return story


def failed() -> Story:
    story = in_training()
    story.fail("States.TaskFailed", "AlgorithmError: the file has no line")
    story.end("States.TaskFailed", "AlgorithmError: the file has no line")
    return story


def test_runs_and_what_came_of_them(console: Console, visitor: Visitor):
    fake = console.step_functions
    fake.put("good", trained(), **registered(input=started(overrides={"hyperparameters": {"epochs": 3}})))
    fake.put("bad", failed(), status="FAILED", cause="the file has no line", input=started(dataset="broken"))
    fake.put("idle", Story(), status="SUCCEEDED", output='{"outcome": "nothing", "reason": "waiting for orders"}')
    fake.put("busy", in_training(), input=started("two_tower", "films"))
    visitor.open()
    rows = visitor.page.get_by_role("row")

    expect(rows).to_have_count(4)
    expect(rows.filter(has_text="good")).to_contain_text("0.35 0.33 to 0.37 hit rate at 10")
    expect(rows.filter(has_text="good")).to_contain_text("better than popularity")
    expect(rows.filter(has_text="good")).to_contain_text("hyperparameters.epochs = 3")
    expect(rows.filter(has_text="broken")).to_contain_text("the file has no line")
    idle = visitor.page.get_by_text("1 execution found nothing to do")
    expect(visitor.page.get_by_text("waiting for orders")).to_be_hidden()
    idle.click()
    expect(visitor.page.get_by_text("waiting for orders")).to_be_visible()

    visitor.page.get_by_label("Status").select_option("failed")
    visitor.page.get_by_role("button", name="Show").click()
    expect(rows).to_have_count(2)
    visitor.page.get_by_label("Status").select_option("all")
    visitor.page.get_by_label("Search").fill("films")
    visitor.page.keyboard.press("Enter")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("two_tower")


def test_a_model_in_use_is_on_the_first_page(console: Console, visitor: Visitor):
    expect(visitor.page.get_by_text("No model has passed the gate so far.")).to_be_visible()
    console.put_champion("prod2vec", recipe="prod2vec", run_id=RUN)
    evaluation = {"metrics": DECISION["metrics"], "primary": "hit_rate_at_10"}
    console.put_object(f"prod2vec/{RUN}/evaluate/evaluation.json", json.dumps(evaluation))
    console.put_object(f"prod2vec/{RUN}/gate/decision.json", json.dumps(DECISION))
    visitor.open()

    card = visitor.page.get_by_role("listitem").filter(has_text="prod2vec")
    expect(card).to_contain_text("0.35")
    expect(card).to_contain_text("better than popularity")
    expect(card).to_contain_text("not in service")


def test_a_run_colours_as_it_goes_and_the_focus_stays(console: Console, visitor: Visitor):
    story = in_training()
    arn = console.step_functions.put("busy", story, input=started())
    visitor.open("/executions/busy")
    training = visitor.page.get_by_role("link", name="Train model")
    expect(training).to_have_accessible_name(re.compile("Train model ?, running"))
    training.focus()

    story.succeed()
    story.leave("Train model")
    expect(training).to_have_accessible_name(re.compile("Train model ?, succeeded"))
    expect(training).to_be_focused()

    console.step_functions.executions[arn] |= registered()
    expect(visitor.page.get_by_text("registered", exact=True)).to_be_visible()
    expect(visitor.page.get_by_role("link", name="Run again")).to_be_visible()


def test_a_state_tells_what_it_did(console: Console, visitor: Visitor):
    console.step_functions.put("bad", failed(), status="FAILED", cause="the file has no line", input=started())
    logs = console.deployment.target.client("logs")
    logs.create_log_group(logGroupName="/aws/sagemaker/TrainingJobs")
    stream = {"logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamName": "train-1/algo-1-1"}
    logs.create_log_stream(**stream)
    now = int(START.timestamp() * 1000)
    lines = ["reading", f"line with {HOSTILE}", "no line"]
    logs.put_log_events(**stream, logEvents=[{"timestamp": now, "message": each} for each in lines])
    visitor.open("/executions/bad")
    why = visitor.page.get_by_role("region", name="Why it failed")
    expect(why).to_contain_text("AlgorithmError: the file has no line")
    expect(why).to_contain_text("trainyard redrive bad")
    why.get_by_role("link", name="Train model").click()
    panel = visitor.page.locator("#panel")

    expect(panel).to_contain_text("AlgorithmError: the file has no line")
    expect(panel).to_contain_text("train-1")
    expect(panel).to_contain_text(f"line with {HOSTILE}")
    panel.get_by_label("Find").fill("reading")
    panel.get_by_role("button", name="Find").click()
    expect(panel).not_to_contain_text("line with")
    with visitor.page.expect_download() as download:
        panel.get_by_text("Download all 3 lines").click()
    assert "no line" in download.value.path().read_text()
    visitor.open("/executions/bad/state?name=Train%20model")
    expect(visitor.page.get_by_role("heading", name="Log")).to_be_visible()
    assert visitor.accessibility() == []


def test_an_action_is_confirmed_and_done(console: Console, visitor: Visitor):
    arn = console.step_functions.put("busy", in_training(), input=started())
    visitor.open("/executions/busy")
    visitor.page.get_by_role("link", name="Stop").click()
    expect(visitor.page.get_by_text("trainyard stop busy")).to_be_visible()
    assert console.step_functions.stopped == []
    visitor.page.get_by_role("button", name="Stop").click()
    visitor.page.wait_for_url("**/executions/busy")
    assert console.step_functions.stopped == [arn]


def test_run_again_shows_the_new_execution(console: Console, visitor: Visitor):
    console.step_functions.put("good", trained(), **registered())
    visitor.open("/executions/good/rerun")
    visitor.page.get_by_role("button", name="Run again").click()
    visitor.page.wait_for_url("**/executions/train-*")
    assert len(console.step_functions.started) == 1


def test_what_cannot_be_done_is_said(console: Console, visitor: Visitor):
    console.step_functions.put("good", trained(), **registered())
    visitor.problems.clear()
    visitor.open("/executions/good/stop")
    visitor.page.get_by_role("button", name="Stop").click()
    expect(visitor.page.get_by_text("Expected a running execution")).to_be_visible()
    # The browser notes the status of the answer.
    assert all("502" in each for each in visitor.problems)
    visitor.problems.clear()


def test_what_is_in_alarm_is_said_first(console: Console, visitor: Visitor):
    cloudwatch = console.deployment.target.client("cloudwatch")
    for name, state in (("trainyard-dev-workflow-A", "ALARM"), ("trainyard-dev-workflow-B", "OK"), ("other", "ALARM")):
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            AlarmDescription=f"What {name} watches.",
            MetricName="m",
            Namespace="n",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="tried")
    visitor.open()
    alert = visitor.page.get_by_role("alert")
    expect(alert).to_have_count(1)
    expect(alert).to_contain_text("What trainyard-dev-workflow-A watches.")
    assert visitor.accessibility() == []


def test_what_aws_refuses_is_said_as_on_the_command_line(
    console: Console, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: Any, **__: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "No."}}, "StopExecution")

    console.step_functions.put("good", trained(), **registered())
    monkeypatch.setattr("trainyard.client.execution.executions.stop", refuse)
    visitor.open("/executions/good/stop")
    visitor.page.get_by_role("button", name="Stop").click()
    said = "StopExecution was refused: AccessDenied: No. Ask for this permission, or use a profile that has it."
    expect(visitor.page.get_by_text(said)).to_be_visible()
    visitor.problems.clear()


def test_hostile_names_are_only_text(console: Console, visitor: Visitor):
    story = Story()
    story.resolved({"outcome": "train", "reason": HOSTILE, "recipe": "prod2vec", "run_id": RUN})
    console.step_functions.put("odd", story, input=started(dataset=HOSTILE, overrides={HOSTILE: HOSTILE}))
    console.put_object(f"prod2vec/{RUN}/report/{HOSTILE}.png", b"x")
    dialogs: list[str] = []
    visitor.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))

    visitor.open()
    expect(visitor.page.get_by_text(HOSTILE).first).to_be_visible()
    visitor.open("/executions/odd")
    expect(visitor.page.get_by_role("heading", level=1)).to_contain_text(HOSTILE)
    visitor.page.get_by_role("link", name="Resolve request").click()
    expect(visitor.page.locator("#panel")).to_contain_text("onerror")
    visitor.open(f"/runs/prod2vec/{RUN}/artifacts")
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name=f"report/{HOSTILE}.png", exact=True).click()
    assert download.value.path().read_bytes() == b"x"
    assert dialogs == []
    assert visitor.page.locator("main img").count() == 0


def test_a_report_is_shown_but_cannot_act(console: Console, visitor: Visitor):
    page = "<style>p{color:green}</style><p>All is well</p><script>document.body.innerHTML='taken over'</script>"
    console.put_object(f"prod2vec/{RUN}/report/index.html", page)
    visitor.open(f"/runs/prod2vec/{RUN}/report")

    expect(visitor.page.frame_locator("iframe").get_by_text("All is well")).to_be_visible()
    # That it was kept from running is told by the browser.
    assert all("sandbox" in each or "script" in each.lower() for each in visitor.problems)
    visitor.problems.clear()


@pytest.mark.parametrize("visitor", LOOKS, indirect=True, ids=[f"{width}-{scheme}" for width, scheme in LOOKS])
def test_every_page_is_readable_by_everybody(console: Console, visitor: Visitor):
    fake = console.step_functions
    fake.put("good", trained(), **registered())
    fake.put("bad", failed(), status="FAILED", cause="x" * 300, input=started(dataset="a" * 80))
    fake.put("idle", Story(), status="SUCCEEDED", output='{"outcome": "nothing", "reason": "waiting for orders"}')
    console.put_champion("prod2vec", recipe="prod2vec", run_id=RUN)
    console.put_object(f"prod2vec/{RUN}/report/index.html", "<p>All is well</p>")
    put_run(console, RUN, epochs=7, value=0.31)
    put_run(console, "20261120-130000-bbbbbbbb", epochs=9, value=0.35)
    console.put_object(f"prod2vec/{RUN}/train/checkpoints/330a13070bd61dfd/checkpoint_of_parameters.npz", "0")
    console.put_object(f"prod2vec/{RUN}/gate/model_card.json", model_card(KNOWN))
    both = f"/compare?run=prod2vec/{RUN}&run=prod2vec/20261120-130000-bbbbbbbb"
    run = f"/runs/prod2vec/{RUN}"
    paths = [
        both,
        f"{run}/configuration",
        f"{run}/card",
        f"{run}/data",
        f"{run}/lineage",
        "/data",
        "/",
        "/executions/good",
        "/executions/bad/state?name=Train%20model",
        "/executions/bad/redrive",
        "/models",
        f"{run}/tuning",
        "/models/prod2vec/ask",
    ]
    for path in [*paths, f"/runs/prod2vec/{RUN}/artifacts"]:
        visitor.open(path)
        assert visitor.accessibility() == [], path
        assert visitor.hangs_over() <= 0, path
        assert visitor.squeezed() == [], path


def test_a_card_of_a_hostile_owner_is_text(console: Console, visitor: Visitor):
    console.step_functions.put("good", trained(), **registered())
    put_run(console, RUN, epochs=7, value=0.31)
    config = replace(KNOWN.config, card=replace(KNOWN.config.card, owner=HOSTILE))
    console.put_object(f"prod2vec/{RUN}/gate/model_card.json", model_card(replace(KNOWN, config=config)))
    visitor.open(f"/runs/prod2vec/{RUN}/report")
    visitor.page.get_by_role("link", name="Card").click()
    expect(visitor.page.get_by_text(HOSTILE)).to_be_visible()
    row = visitor.page.get_by_role("row").filter(has_text="EASE")
    expect(row).to_contain_text("this model is better than it: +0.02")


def test_names_of_recipes_and_verdicts_are_on_one_line(console: Console, visitor: Visitor):
    run = {"run_id": RUN, "recipe": "neural_topic_model", "decision": {**DECISION, "promote": False}}
    refused = {"output": json.dumps({"outcome": "refused", **run}), "input": started("neural_topic_model", "m" * 60)}
    console.step_functions.put("r" * 60, trained(), **registered(**refused, status="FAILED"))
    visitor.open()
    row = visitor.page.get_by_role("row").filter(has_text="neural_topic_model")
    for text in ("neural_topic_model", "refused by the gate"):
        lines = row.get_by_text(text).evaluate(LINES, text)
        assert lines == 1, text
    box, badge = (row.locator(each).bounding_box() for each in ("input", ".badge"))
    assert box and badge and box["y"] < badge["y"] + badge["height"] and badge["y"] < box["y"] + box["height"]


def put_thousand(console: Console, **values: Any) -> list[str]:
    """A thousand executions that failed, or are what `values` say; returns what is described of them from now on."""
    for number in range(1_000):
        named = {"status": "FAILED", "cause": "no", "input": started(), **values}
        console.step_functions.put(f"run-{number:04}", Story(), **named)
    described: list[str] = []
    describe = console.step_functions.describe_execution

    def counted(*, executionArn: str) -> dict[str, Any]:
        described.append(executionArn)
        return describe(executionArn=executionArn)

    console.step_functions.describe_execution = counted
    return described


def test_the_first_page_of_a_thousand_executions_asks_for_few_and_is_small(
    console: Console, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(home, "FIRST_SECONDS", WAIT_SECONDS)
    described = put_thousand(console)
    first = console.get("/")
    assert len(described) <= 48
    assert len(first.body) < 60_000
    described.clear()
    console.get("/")
    assert described == []


def test_a_list_that_takes_long_is_there_at_once_and_goes_on_by_itself(
    console: Console, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(home, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(home, "NEXT_SECONDS", 0.1)
    described = put_thousand(console, status="SUCCEEDED", output='{"outcome": "nothing", "reason": "waiting"}')
    page = console.get("/").body.decode()
    assert "16 executions were looked at so far." in page
    assert len(described) == 16
    visitor.open()
    all_of_them = visitor.page.get_by_text("1,000 executions found nothing to do")
    expect(all_of_them).to_be_visible(timeout=WAIT_SECONDS * 1000)
    expect(visitor.page.get_by_text("were looked at so far")).to_have_count(0)
    # A search among them asks for none again.
    described.clear()
    assert "1 execution found nothing to do" in console.get("/?q=run-0007").body.decode()
    assert described == []


def test_a_thousand_executions(console: Console, visitor: Visitor, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(home, "FIRST_SECONDS", WAIT_SECONDS)
    put_thousand(console)
    visitor.open()

    rows = visitor.page.get_by_role("row")
    expect(rows).to_have_count(31)
    expect(rows.nth(1)).to_contain_text("run-0999")
    visitor.page.get_by_role("link", name="Show more").click()
    expect(rows).to_have_count(61)


def test_what_is_not_there_is_said(console: Console, visitor: Visitor):
    visitor.open("/executions/none")
    expect(visitor.page.get_by_text("which is none of 0 executions")).to_be_visible()
    visitor.problems.clear()


def put_run(
    console: Console, run_id: str, *, epochs: int, value: float, champion: str = "", etag: str = "same"
) -> None:
    """The documents of a run, and the execution that made it."""
    request = {
        "recipe": "prod2vec",
        "run_id": run_id,
        "dataset": "mine",
        "execution_arn": execution_arn(f"of-{run_id}"),
        "raw_bucket": "raw-bucket",
        "artifacts_bucket": "artifacts-bucket",
        "fingerprint": "f" * 64,
        "code_version": "abc",
        "files": [
            {"source": "orders", "key": "raw/prod2vec/mine/orders.csv", "version_id": "v1", "size": 10, "etag": etag}
        ],
        "config": {
            "hyperparameters": {"epochs": epochs},
            "data": {"min_basket": 2},
            "gate": {"beat": ["all"]},
            "tune": False,
        },
    }
    metric = {"value": value, "low": value - 0.02, "high": value + 0.02}
    evaluation: dict[str, Any] = {"metrics": {"hit_rate_at_10": metric}, "primary": "hit_rate_at_10", "rows": 100}
    if champion:
        difference = {"value": 0.04, "low": 0.01, "high": 0.07}
        evaluation["champion"] = {"run_id": champion, "metrics": {}, "difference": difference}
    quality = {"ok": True, "warnings": [], "notes": ["orders.csv: read as semicolon"], "figures": {"orders": 595.0}}
    console.put_object(f"prod2vec/{run_id}/resolve/request.json", json.dumps(request))
    console.put_object(f"prod2vec/{run_id}/evaluate/evaluation.json", json.dumps(evaluation))
    console.put_object(f"prod2vec/{run_id}/ingest/quality.json", json.dumps(quality))
    output = {"outcome": "registered", "recipe": "prod2vec", "run_id": run_id, "decision": DECISION}
    console.step_functions.put(f"of-{run_id}", trained(), **registered(output=json.dumps(output)))


def test_chosen_runs_are_compared(console: Console, visitor: Visitor):
    put_run(console, "20261120-120000-aaaaaaaa", epochs=5, value=0.31)
    put_run(console, "20261120-130000-bbbbbbbb", epochs=9, value=0.35, champion="20261120-120000-aaaaaaaa")
    visitor.open()
    boxes = visitor.page.get_by_role("checkbox")
    boxes.nth(0).check()
    # The list is asked for anew meanwhile: what was chosen stays chosen.
    with visitor.page.expect_response(lambda answer: "hx-request" in answer.request.headers):
        pass
    expect(boxes.nth(0)).to_be_checked()
    boxes.nth(1).check()
    visitor.page.get_by_role("button", name="Compare the chosen runs").click()

    settings = visitor.page.get_by_role("region", name="Set differently")
    expect(settings).to_contain_text("hyperparameters.epochs")
    expect(settings).not_to_contain_text("min_basket")
    expect(visitor.page.get_by_role("region", name="Metrics")).to_contain_text("0.33 to 0.37")
    better = "20261120-130000-bbbbbbbb is better than 20261120-120000-aaaaaaaa: hit rate at 10 +0.04 (+0.01 to +0.07)"
    expect(visitor.page.get_by_text(better)).to_be_visible()
    expect(visitor.page.get_by_text("Every file has the same content.")).to_be_visible()


def test_training_is_laid_over_each_other_and_pictures_side_by_side(console: Console, visitor: Visitor):
    for run_id, losses in ((RUN, (3.0, 2.0)), ("20261120-130000-bbbbbbbb", (3.0, 1.5, 1.0))):
        put_run(console, run_id, epochs=len(losses), value=0.31)
        lines = [f"{epoch},{loss},0.5" for epoch, loss in enumerate(losses, start=1)]
        own = f"only_{len(losses)}"
        console.put_object(f"prod2vec/{run_id}/report/curves.csv", "\n".join([f"epoch,loss,{own}", *lines]))
        console.put_object(f"prod2vec/{run_id}/report/map.png", PICTURE)
        console.put_object(f"prod2vec/{run_id}/report/{own}.png", PICTURE)
    visitor.open(f"/compare?run=prod2vec/{RUN}&run=prod2vec/20261120-130000-bbbbbbbb")
    charts = visitor.page.get_by_role("img", name="loss by epoch")
    expect(charts).to_have_count(1)
    points = charts.locator("polyline").evaluate_all("all => all.map(each => each.points.length)")
    assert points == [2, 3]
    expect(visitor.page.get_by_text(f"{RUN} ends at 2")).to_be_visible()
    expect(visitor.page.get_by_text("20261120-130000-bbbbbbbb ends at 1")).to_be_visible()
    images = visitor.page.get_by_role("img", name="map of run")
    expect(images).to_have_count(2)
    images.nth(1).scroll_into_view_if_needed()
    visitor.page.wait_for_function("[...document.images].every(each => each.complete && each.naturalWidth > 0)")
    expect(visitor.page.get_by_role("img", name="only")).to_have_count(0)
    assert visitor.accessibility() == []


def test_other_files_are_no_fair_comparison(console: Console, visitor: Visitor):
    put_run(console, "20261120-120000-aaaaaaaa", epochs=5, value=0.31)
    put_run(console, "20261120-130000-bbbbbbbb", epochs=5, value=0.35, etag="another")
    visitor.open("/compare?run=prod2vec/20261120-120000-aaaaaaaa&run=prod2vec/20261120-130000-bbbbbbbb")
    said = "The held-out examples of 20261120-130000-bbbbbbbb and 20261120-120000-aaaaaaaa are not the same"
    expect(visitor.page.get_by_text(said)).to_be_visible()
    expect(visitor.page.get_by_text("not the same")).to_have_count(1)
    expect(visitor.page.get_by_role("region", name="Files read differently")).to_contain_text("orders.csv")


def test_how_a_run_was_configured_and_what_it_read(console: Console, visitor: Visitor):
    put_run(console, RUN, epochs=7, value=0.31)
    visitor.open(f"/runs/prod2vec/{RUN}/configuration")
    expect(visitor.page.get_by_role("region", name="Changed settings")).to_contain_text("hyperparameters.epochs")
    # As `--set` takes them.
    expect(visitor.page.get_by_role("row", name="gate.beat")).to_contain_text('["all"]')
    expect(visitor.page.get_by_role("row", name="tune")).to_contain_text("false")
    expect(visitor.page.get_by_text(f"trainyard artifacts {RUN} --download DIR")).to_be_visible()
    visitor.page.get_by_role("link", name="Data", exact=True).click()
    expect(visitor.page.get_by_text("orders.csv: read as semicolon")).to_be_visible()
    expect(visitor.page.get_by_role("region", name="Figures")).to_contain_text("595")


def test_where_a_model_came_from_and_what_came_of_it(console: Console, visitor: Visitor):
    scored = "20261121-090000-cccccccc"
    put_run(console, RUN, epochs=7, value=0.31)
    put_run(console, scored, epochs=7, value=0.31)
    for by, run_id in ((RUN, scored), ("another", "20261122-090000-dddddddd")):
        summary = {"rows": 1234, "model_run": by}
        console.put_object(f"prod2vec/{run_id}/score/summary.json", json.dumps(summary))
    console.put_champion("prod2vec", recipe="prod2vec", run_id=RUN)
    visitor.open(f"/runs/prod2vec/{RUN}/lineage")
    boxes = visitor.page.get_by_role("main").get_by_role("listitem")
    expect(boxes).to_have_count(5)
    for box, words in zip(boxes.all(), ("orders.csv", RUN, "not registered", "none serves it", scored), strict=True):
        expect(box).to_contain_text(words)
    expect(boxes.nth(4)).to_contain_text("1,234 rows of mine")
    expect(boxes.nth(4)).not_to_contain_text("dddddddd")
    assert visitor.accessibility() == []
    assert visitor.hangs_over() <= 0


def test_a_data_set_says_what_it_waits_for(console: Console, visitor: Visitor):
    s3 = console.deployment.target.client("s3")
    for key in ("prod2vec/half/products.csv", "headline_classifier/whole/news.csv", "prod2vec/half/.DS_Store"):
        s3.put_object(Bucket="raw-bucket", Key=f"raw/{key}", Body=b"a")
    visitor.open("/data")
    rows = visitor.page.get_by_role("row")
    expect(rows).to_have_count(3)
    expect(rows.filter(has_text="half")).to_contain_text("waits for order_products")
    expect(rows.filter(has_text="half")).not_to_contain_text("DS_Store")
    expect(rows.filter(has_text="whole")).to_contain_text("complete")


class FakeRuntime:
    """The endpoint of a model: answers with what it was asked, or as a model that refuses does."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        if b"bad" in request["Body"]:
            said = {"Code": "ModelError", "Message": json.dumps({"error": f"No such product {HOSTILE}."})}
            raise ClientError({"Error": said}, "InvokeEndpoint")
        return {"Body": io.BytesIO(b'{"predictions": [{"answer": "42"}]}')}


def test_a_model_is_asked_from_its_examples(console: Console, visitor: Visitor):
    console.put_champion("prod2vec", recipe="prod2vec", run_id=RUN)
    examples = {"requests": [{"instances": [{"product_id": 1}]}], "answers": [{"predictions": ["kept"]}]}
    console.put_object(f"prod2vec/{RUN}/evaluate/examples.json", json.dumps(examples))
    visitor.open("/models/prod2vec/ask")
    expect(visitor.page.get_by_text("trainyard release prod2vec")).to_be_visible()
    expect(visitor.page.get_by_text('"kept"')).to_be_visible()
    expect(visitor.page.get_by_role("button", name="Send")).to_have_count(0)

    runtime = FakeRuntime()
    put_endpoint(console)
    console.deployment.target._clients["sagemaker-runtime"] = runtime
    visitor.open("/models/prod2vec/ask")
    visitor.page.get_by_role("button", name="Send").click()
    expect(visitor.page.get_by_role("cell", name="42")).to_be_visible()
    assert json.loads(runtime.asked[0]["Body"]) == examples["requests"][0]
    visitor.page.get_by_role("link", name="JSON").click()
    visitor.page.get_by_label("Request").fill("bad & <b>")
    visitor.page.get_by_role("button", name="Send").click()
    expect(visitor.page.get_by_text(f"No such product {HOSTILE}.")).to_be_visible()
    assert runtime.asked[1]["Body"] == b"bad & <b>"


def put_endpoint(console: Console) -> None:
    """An endpoint in service under the name that the machine gives it."""
    sagemaker = console.deployment.target.client("sagemaker")
    role = "arn:aws:iam::000000000000:role/any"
    name, model = "trainyard-dev-prod2vec", f"trainyard-dev-model-{RUN}-12345678"
    sagemaker.create_model(ModelName=model, ExecutionRoleArn=role, PrimaryContainer={"Image": "image"})
    variant = {"VariantName": "all", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)


def test_artifacts_are_shown(console: Console, visitor: Visitor):
    table = io.BytesIO()
    pq.write_table(pa.table({"product": [f"p{number}" for number in range(80)], HOSTILE: [0.5] * 80}), table)
    console.put_object(f"prod2vec/{RUN}/report/vectors.parquet", table.getvalue())
    console.put_object(f"prod2vec/{RUN}/gate/decision.json", '{"promote":true}')
    console.put_object(f"prod2vec/{RUN}/report/broken.parquet", "no table")
    console.put_object(f"prod2vec/{RUN}/report/map.png", PICTURE)
    artifacts = f"/runs/prod2vec/{RUN}/artifacts"
    visitor.open(artifacts)
    visitor.page.get_by_role("link", name="Show report/vectors.parquet").click()
    expect(visitor.page.get_by_text("The first 50 of 80 rows.")).to_be_visible()
    expect(visitor.page.get_by_role("region", name="First rows")).to_contain_text(HOSTILE)
    visitor.open(artifacts)
    visitor.page.get_by_role("link", name="Show gate/decision.json").click()
    expect(visitor.page.get_by_text('"promote": true')).to_be_visible()
    visitor.open(artifacts)
    visitor.page.get_by_role("link", name="Show report/map.png").click()
    picture = visitor.page.get_by_role("img", name="report/map.png")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") == 1
    visitor.open(f"/runs/prod2vec/{RUN}/preview/report/broken.parquet")
    expect(visitor.page.get_by_text("Expected Parquet")).to_be_visible()
    visitor.problems.clear()


def put_versions(console: Console, run_ids: Sequence[str]) -> None:
    """Registered versions of prod2vec, one per run, with their archives."""
    sagemaker, s3 = (console.deployment.target.client(each) for each in ("sagemaker", "s3"))
    sagemaker.create_model_package_group(ModelPackageGroupName="trainyard-dev-prod2vec")
    for run_id in run_ids:
        key = f"prod2vec/{run_id}/train/job/output/model.tar.gz"
        s3.put_object(Bucket="artifacts-bucket", Key=key, Body=b"archive")
        container = {"Image": "image", "ModelDataUrl": f"s3://artifacts-bucket/{key}"}
        content = {"Containers": [container], "SupportedContentTypes": [], "SupportedResponseMIMETypes": []}
        sagemaker.create_model_package(
            ModelPackageGroupName="trainyard-dev-prod2vec",
            InferenceSpecification=content,
            ModelApprovalStatus="Approved",
            CustomerMetadataProperties={"run": run_id, "dataset": "mine", "standing": "better than popularity"},
        )


def test_another_version_is_put_into_use(console: Console, visitor: Visitor):
    runs = ["20261120-120000-aaaaaaaa", "20261120-130000-bbbbbbbb"]
    put_run(console, runs[0], epochs=5, value=0.31)
    put_run(console, runs[1], epochs=9, value=0.35)
    put_versions(console, runs)
    console.put_champion("prod2vec", recipe="prod2vec", run_id=runs[1])
    visitor.open("/models")
    rows = visitor.page.get_by_role("row")

    expect(rows.filter(has_text=runs[1])).to_contain_text("in use")
    expect(rows.filter(has_text=runs[1])).to_contain_text("0.33 to 0.37")
    expect(visitor.page.get_by_role("img", name="Main metric of prod2vec")).to_be_visible()
    assert visitor.accessibility() == []
    visitor.page.get_by_role("link", name="Put version 1 into use").click()
    expect(visitor.page.get_by_text("trainyard promote prod2vec 1")).to_be_visible()
    visitor.page.get_by_role("button", name="Put it into use").click()
    visitor.page.wait_for_url("**/models")
    expect(rows.filter(has_text=runs[0])).to_contain_text("in use")


def test_the_model_in_use_is_rolled_back(console: Console, visitor: Visitor):
    runs = ["20261120-120000-aaaaaaaa", "20261120-130000-bbbbbbbb"]
    for run_id in runs:
        put_run(console, run_id, epochs=5, value=0.31)
    put_versions(console, runs)
    console.put_champion("prod2vec", recipe="prod2vec", run_id=runs[1])
    visitor.open("/models")
    visitor.page.get_by_role("link", name="Roll prod2vec back").click()
    said = visitor.page.get_by_role("main")
    expect(said).to_contain_text(
        f"Version 2 of run {runs[1]}, which is in use, goes out of use and is marked as rejected"
    )
    expect(said).to_contain_text(f"Version 1 of run {runs[0]}, data set mine, better than popularity, comes into use")
    expect(visitor.page.get_by_text("trainyard rollback prod2vec", exact=True)).to_be_visible()
    assert visitor.accessibility() == []
    visitor.page.get_by_role("button", name="Roll back").click()
    visitor.page.wait_for_url("**/models")
    rows = visitor.page.get_by_role("row")
    expect(rows.filter(has_text=runs[0])).to_contain_text("in use")
    expect(rows.filter(has_text=runs[1])).to_contain_text("Rejected")


def test_only_what_was_agreed_to_is_rolled_back(console: Console):
    runs = ["20261120-120000-aaaaaaaa", "20261120-130000-bbbbbbbb", "20261120-140000-cccccccc"]
    for run_id in runs:
        put_run(console, run_id, epochs=5, value=0.31)
    put_versions(console, runs)
    console.put_champion("prod2vec", recipe="prod2vec", run_id=runs[1])
    address = re.search('action="([^"]+)"', console.get("/models/prod2vec/rollback").body.decode())[1]
    console.put_champion("prod2vec", recipe="prod2vec", run_id=runs[2])
    origin = f"http://127.0.0.1:{console.running.port}"
    answer = console.request("POST", address.replace("&amp;", "&"), cookie=console.cookie, origin=origin)
    assert answer.status == 502
    assert "another came into use meanwhile" in answer.body.decode()
    assert models.find_champion(console.deployment, "prod2vec").run_id == runs[2]


def test_a_version_that_waits_is_approved_from_the_first_page(
    console: Console, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
):
    put_run(console, RUN, epochs=7, value=0.31)
    put_versions(console, [RUN])
    sagemaker = console.deployment.target.client("sagemaker")
    [version] = sagemaker.list_model_packages(ModelPackageGroupName="trainyard-dev-prod2vec")["ModelPackageSummaryList"]
    arn = version["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="PendingManualApproval")
    output = {"outcome": "waiting", "recipe": "prod2vec", "run_id": RUN, "decision": {**DECISION, "waits": True}}
    asked = f"of-{RUN}"
    console.step_functions.put(asked, trained(), status="SUCCEEDED", output=json.dumps(output), input=started())
    console.step_functions.put("promotes", trained(), **registered())
    promotes = find_execution(console.deployment, "promotes")
    monkeypatch.setattr(approval, "started", lambda *_: promotes)

    visitor.open()
    expect(visitor.page.get_by_text("Waits for approval")).to_be_visible()
    expect(visitor.page.get_by_text(f"trainyard approve {RUN}")).to_be_visible()
    assert visitor.accessibility() == []
    visitor.page.get_by_role("link", name="Approve version 1").click()
    expect(visitor.page.get_by_text(f"trainyard approve {asked}")).to_be_visible()
    visitor.page.get_by_role("button", name="Approve").click()
    visitor.page.wait_for_url("**/executions/promotes")
    assert sagemaker.describe_model_package(ModelPackageName=arn)["ModelApprovalStatus"] == "Approved"
