"""Every command is documented, prints what it should, and ends with the right code and one readable sentence."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, SSLError
from botocore.parsers import ResponseParserError

from tests.cli import test_logs
from tests.cli.story import START, FakeCloudFormation, FakeStepFunctions, Story, refusal, upload_event
from trainyard.cli import main as main_module
from trainyard.cli.command import target
from trainyard.cli.command.on_demand import function, summary
from trainyard.cli.main import COMMANDS, app, main
from trainyard.client import failures
from trainyard.client.deployment import Deployment
from trainyard.client.execution.history import named, visits
from trainyard.errors import ConfigError, NotFound

FUNCTIONS = {name: function(name) for panel in COMMANDS.values() for name in panel}
PLAN = {"outcome": "train", "reason": "all files are there", "run_id": "r1", "prefix": "prod2vec/r1", "dataset": "d"}


@pytest.fixture
def deployed(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.setattr(target, "deployed", lambda **_: deployment)
    return deployment


@pytest.fixture
def ran(deployed: Deployment, step_functions: FakeStepFunctions) -> Story:
    """One running execution that trains."""
    story = Story()
    story.resolved(PLAN)
    story.enter("Train model")
    story.schedule("createTrainingJob.sync", {"TrainingJobName": "train-1"})
    step_functions.put("e1", story, input=upload_event("raw/prod2vec/my [new] data/products.csv", "v1"))
    test_logs.write(deployed, "/aws/sagemaker/TrainingJobs", "train-1/algo-1", "epoch [1] done")
    return story


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_command_has_help_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert f"`trainyard {name}" in (FUNCTIONS[name].__doc__ or "") or name == "env"
    assert main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Example" in shown
    assert "Usage: trainyard " + name in shown


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_list_of_commands_says_what_a_command_says_first_of_itself(name: str) -> None:
    assert summary(name) == " ".join((FUNCTIONS[name].__doc__ or "").partition("\n\n")[0].split()) != ""


def test_every_option_has_help() -> None:
    import typer.main

    group = typer.main.get_command(app)
    bare = [
        f"{name} {parameter.name}"
        for name, command in group.commands.items()
        for parameter in command.loaded().params
        if not getattr(parameter, "help", None)
    ]
    assert bare == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nonsense"], 2),
        (["run"], 2),
        (["run", "nonsense"], 2),
        (["executions", "--recipe", "nonsense"], 2),
        (["compare", "latest"], 2),
        (["run", "prod2vec", "--set", "hyperparameters.epoch=1"], 2),
        (["run", "prod2vec", "--dataset", "a/b"], 2),
        (["run", "prod2vec", "--dataset", ".."], 2),
        (["run", "prod2vec", "--data", "/nowhere"], 4),
        (["sample", "prod2vec", "--size", "ten", "--out", "x"], 2),
        (["executions", "--status", "odd"], 2),
        (["env"], 4),
    ],
)
def test_exit_codes_of_mistakes(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == code
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    assert said.err


def test_a_file_is_a_command() -> None:
    folder = Path(main_module.__file__).parent
    modules = {each.__name__ for each in FUNCTIONS.values()}
    assert {path.stem for path in folder.glob("*.py")} == {*modules, "main", "__init__"}
    assert all(each.__module__ == f"trainyard.cli.{each.__name__}" for each in FUNCTIONS.values())


def test_what_the_system_refuses_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["sample", "prod2vec", "--size", "1k", "--out", str(tmp_path / "file" / "data")]) == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert str(tmp_path / "file") in said


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: f"1.2.3 of {name}")
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == "trainyard 1.2.3 of trainyard\n"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (NotFound("nothing there"), 4, "nothing there"),
        (ConfigError(["a.", "b."]), 2, "a. b."),
        (NoCredentialsError(), 1, "Sign in"),
        (SSLError(endpoint_url="https://localhost:1", error="bad"), 1, "AWS_CA_BUNDLE"),
        (ResponseParserError("no XML"), 1, "That was no answer of AWS"),
        (EndpointConnectionError(endpoint_url="https://localhost:1"), 1, "trainyard up"),
        (refusal("ExpiredToken", "GetObject"), 1, "sign in again"),
        (refusal("AccessDenied", "GetObject"), 1, "GetObject was refused: AccessDenied: said AccessDenied. Ask for"),
        (refusal("Odd", "GetObject"), 1, "said Odd"),
        (PermissionError(13, "Permission denied", "/etc/data"), 1, "/etc/data: Permission denied. Check that"),
    ],
)
def test_failures_become_one_sentence(error: Exception, code: int, said: str) -> None:
    assert failures.expected(error)
    sentence, found = failures.explain(error)
    assert (found, "\n" in sentence) == (code, False)
    assert said in sentence


def test_main_prints_the_sentence_to_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(**_: object) -> None:
        raise NotFound("Expected the stack [x], found none.")

    monkeypatch.setattr(target, "deployed", missing)
    assert main(["executions"]) == 4
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "Expected the stack [x], found none.\n")


def test_executions_fit_into_eighty_columns(
    deployed: Deployment,
    step_functions: FakeStepFunctions,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ended = {"status": "SUCCEEDED", "stopDate": START + timedelta(minutes=3)}
    given = {"recipe": "headline_classifier", "dataset": "20261129-062241"}
    for name, output in (
        ("train-c48489b9-0697-4ae5-9d44-872d174a9dae", {"outcome": "registered"}),
        ("51f3fa3e-43e9-4f91-b6e5-8945bb688d82", {"outcome": "nothing", "reason": "superseded by the upload of x"}),
    ):
        step_functions.put(name, input=json.dumps(given), output=json.dumps(output), **ended)
    assert main(["executions"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("train-c48489b9 ") and "ago" in line for line in lines)
    assert any(line.startswith("51f3fa3e ") and "nothing" in line for line in lines)


def test_executions_as_table_and_json(ran: Story, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["executions"]) == 0
    shown = capsys.readouterr().out
    assert "e1" in shown
    assert "my [new] data" in shown
    assert main(["executions", "--json", "--recipe", "prod2vec", "--status", "running"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["name"], found["recipe"], found["dataset"]) == ("e1", "prod2vec", "my [new] data")
    assert main(["executions", "--recipe", "two_tower", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_show_draws_states_in_order_with_job_and_data(ran: Story, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "e1"]) == 0
    shown = capsys.readouterr().out
    assert shown.index("Resolve request") < shown.index("Train model") < shown.index("training train-1")
    assert '"run_id": "r1"' in shown
    assert main(["show", "e1", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [each["name"] for each in document["states"]] == ["Resolve request", "Train model"]
    assert document["states"][1]["job"]["name"] == "train-1"


def test_show_one_state_has_whole_data_and_log(ran: Story, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "e1", "--state", "train"]) == 0
    shown = capsys.readouterr().out
    assert '"a": 1' in shown
    assert "epoch [1] done" in shown
    assert main(["show", "e1", "--state", "nonsense"]) == 4


def test_a_choice_gives_way_to_the_state_that_works() -> None:
    story = Story()
    story.enter("Tune?", "Choice")
    story.leave("Tune?", "Choice")
    story.enter("Tune hyperparameters")
    story.schedule("createHyperParameterTuningJob.sync", {"HyperParameterTuningJobName": "tune-1"})
    visited = visits(story.events)
    assert [each.name for each in named(visited, "TUNE")] == ["Tune hyperparameters"]
    assert [each.name for each in named(visited, "tune?")] == ["Tune?"]


def test_logs_name_their_state(ran: Story, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["logs", "e1"]) == 0
    assert "Train model │ epoch [1] done" in capsys.readouterr().out


def test_logs_followed_to_the_end(
    ran: Story, step_functions: FakeStepFunctions, capsys: pytest.CaptureFixture[str]
) -> None:
    ran.succeed()
    ran.leave("Train model")
    next(iter(step_functions.executions.values()))["status"] = "SUCCEEDED"
    # The state is not running any more, yet its last lines were not printed before.
    assert main(["logs", "e1", "--follow"]) == 0
    assert "epoch [1] done" in capsys.readouterr().out


def test_artifacts_are_listed_and_downloaded(
    deployed: Deployment, ran: Story, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["artifacts", "e1"]) == 4
    for name in ("gate/decision.json", "report/index.html"):
        deployed.target.client("s3").put_object(Bucket="artifacts-bucket", Key=f"prod2vec/r1/{name}", Body=b"12345")
    capsys.readouterr()
    assert main(["artifacts", "e1", "--json"]) == 0
    uris = [each["uri"] for each in json.loads(capsys.readouterr().out)]
    assert uris == [f"s3://artifacts-bucket/prod2vec/r1/{name}" for name in ("gate/decision.json", "report/index.html")]
    for of in ("e1", "prod2vec"):
        assert main(["artifacts", of, "--download", str(tmp_path / of)]) == 0
        assert (tmp_path / of / "prod2vec" / "r1" / "report" / "index.html").read_bytes() == b"12345"
    capsys.readouterr()
    assert main(["artifacts", "prod2vec", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == ["r1"]


def test_a_key_that_leaves_the_folder_is_not_downloaded(deployed: Deployment, ran: Story, tmp_path: Path) -> None:
    deployed.target.client("s3").put_object(Bucket="artifacts-bucket", Key="prod2vec/r1/../../../x", Body=b"1")
    assert main(["artifacts", "e1", "--download", str(tmp_path / "in")]) == 1
    assert not (tmp_path / "x").exists()


def test_run_uploads_settings_first_and_follows_what_trains(
    deployed: Deployment,
    step_functions: FakeStepFunctions,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "products.csv").write_text("product_id\n", encoding="utf-8")
    s3 = deployed.target.client("s3")
    order: list[str] = []

    def remember(params: dict[str, str], **_: object) -> None:
        order.append(params["Key"])

    def begin(uploads: list[object], **_: object) -> None:
        raise NotFound("no execution")

    s3.meta.events.register("provide-client-params.s3.PutObject", remember)
    monkeypatch.setattr("trainyard.client.execution.watch.PATIENCE_SECONDS", -1.0)
    monkeypatch.setattr("trainyard.client.execution.watch.Watch.wait", lambda _self, uploads: begin(uploads))
    assert main(["run", "prod2vec", "--data", str(tmp_path), "--dataset", "d", "--set", "seed=3"]) == 4
    assert order == [f"raw/prod2vec/d/{each}" for each in ("run.json", "products.csv", "_READY")]
    assert "incomplete without order_products__prior.csv" in capsys.readouterr().err


def test_recipes_show_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes"]) == 0
    assert "prod2vec" in capsys.readouterr().out
    assert main(["recipes", "prod2vec"]) == 0
    shown = capsys.readouterr().out
    assert "hyperparameters.embedding_size" in shown
    assert "order_products__prior.csv" in shown
    assert main(["recipes", "prod2vec", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["config"]["seed"] == 42


def test_sample_writes_to_the_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", "prod2vec", "--size", "1k", "--out", str(tmp_path / "data")]) == 0
    assert (tmp_path / "data" / "products.csv").is_file()
    assert "products.csv" in capsys.readouterr().out


def test_definition_is_the_complete_state_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["definition"]) == 0
    machine = json.loads(capsys.readouterr().out)
    assert "Retry" in machine["States"]["Train model"]


def test_definition_needs_the_project(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "state_machines.definition", None)
    assert main(["definition"]) == 4
    assert "Expected the project's folder state_machines" in capsys.readouterr().err


def test_status_names_the_models_in_use(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    item = {"id": {"S": "champion/prod2vec"}, "run_id": {"S": "r7"}, "model_data": {"S": "s3://b/model.tar.gz"}}
    deployment.target.client("dynamodb").put_item(TableName="ledger", Item=item)
    monkeypatch.setattr(target, "connect", lambda **_: deployment.target)
    monkeypatch.setattr("trainyard.client.deployment.stack_status", lambda *_: "CREATE_COMPLETE")
    monkeypatch.setattr("trainyard.client.deployment.find", lambda *_: deployment)
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["models_in_use"] == {"prod2vec": "r7"}


def test_status_names_what_is_missing(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.target._clients["cloudformation"] = FakeCloudFormation()
    monkeypatch.setattr(target, "connect", lambda **_: deployment.target)
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["stacks"] == {"trainyard-dev-data": None, "trainyard-dev-workflow": None}
    assert main(["status", "--env", "prod"]) == 0
    assert "trainyard deploy --env prod" in capsys.readouterr().out


def test_executions_say_why_they_trained_nothing_and_for_how_long_they_waited(
    deployed: Deployment,
    step_functions: FakeStepFunctions,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    reason = "superseded by the upload of movies.csv, whose execution goes on"
    for name, output in {
        "first": {"outcome": "nothing", "reason": reason, "waited_seconds": 3},
        "debris": {"outcome": "nothing", "reason": "ignored: .DS_Store is no data", "waited_seconds": 0},
        "last": {"outcome": "registered", "waited_seconds": 4},
    }.items():
        step_functions.put(name, status="SUCCEEDED", output=json.dumps(output))
    assert main(["executions"]) == 0
    shown = capsys.readouterr().out
    assert f"nothing: {reason}, waited 3 s for the set to settle" in shown
    assert "nothing: ignored: .DS_Store is no data " in shown
    assert "registered, waited 4 s for the set to settle" in shown
