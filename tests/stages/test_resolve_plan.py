"""The plan: what Resolve tells the machine is what SageMaker accepts."""

from __future__ import annotations

import re

import botocore.session
import pytest
from botocore.validate import ParamValidator

from trainyard.contract.config import to_mapping
from trainyard.contract.training.progress import metric, metric_regex
from trainyard.errors import BadRequest, ConfigError
from trainyard.run import recipe
from trainyard.stages.resolve import plan
from trainyard.stages.resolve.uploads import parse_overrides


@pytest.mark.parametrize("name", recipe.names())
def test_the_tuning_request_is_valid_for_sagemaker(name):
    config = recipe.config(name)
    texts = plan.hyperparameters(to_mapping(config.hyperparameters))
    tuning = plan.tuning(config, texts)
    shapes = botocore.session.get_session().get_service_model("sagemaker")
    shape = shapes.operation_model("CreateHyperParameterTuningJob").input_shape.members["HyperParameterTuningJobConfig"]
    report = ParamValidator().validate(tuning["config"], shape)
    assert not report.has_errors(), report.generate_report()
    assert not set(tuning["static"]) & set(config.tuning.ranges)
    # What is not set, the training job finds out.
    given = {name for name, value in to_mapping(config.hyperparameters).items() if value is not None}
    assert set(tuning["static"]) | set(config.tuning.ranges) == given | set(config.tuning.ranges)
    assert recipe.config(name, {"hyperparameters": texts}) == config


def test_a_grid_is_asked_for_with_as_many_jobs_as_it_has_combinations():
    values = {"type": "categorical", "values": ["100", "200"]}
    ranges = dict.fromkeys(recipe.config("prod2vec").tuning.ranges, values)
    config = recipe.config("prod2vec", {"tuning": {"strategy": "Grid", "max_jobs": 9, "ranges": ranges}})
    asked = plan.tuning(config, {})["config"]
    limits = {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2, "MaxRuntimeInSeconds": 2 * 2 * 3600}
    assert asked["ResourceLimits"] == limits
    assert [len(asked["ParameterRanges"][kind]) for kind in sorted(asked["ParameterRanges"])] == [2, 0, 0]


def test_the_metric_expression_finds_what_training_prints(capsys):
    metric("validation_hits", 0.125)
    metric("hits", -3e-7)
    line = capsys.readouterr().out
    assert re.findall(metric_regex("validation_hits"), line) == ["0.125"]
    assert [float(each) for each in re.findall(metric_regex("hits"), line)] == [-3e-7]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"seed": 1' + "0" * 5000 + "}", "a number of 5,001 digits"),
        ('{"a": ' + "[" * 9_000 + "]" * 9_000 + "}", "more than 32 levels of brackets"),
        ('{"a": ' * 900 + "1" + "}" * 900, "more than 32 levels of brackets"),
        ('{"jobs": {"train": {"instance_type": "\\ud800"}}}', r"half a character \(\\ud800 without its other half\)"),
        ('{"\\udc00": 1}', r"half a character \(\\udc00"),
        ('{"seed": NaN}', "NaN, which is no number in JSON"),
        ('{"seed": -Infinity}', "-Infinity, which is no number in JSON"),
        ('{"seed": 1e999}', "the number 1e999, which no machine can hold"),
        ('{"tune": true, "tune": false}', "the name 'tune' twice in one object"),
        ('{"jobs": {"train": {"volume_gb": 1, "volume_gb": 2}}}', "the name 'volume_gb' twice"),
    ],
)
def test_settings_that_one_reader_takes_and_another_does_not_are_a_refusal(text, found):
    with pytest.raises(
        BadRequest, match=rf"^raw/x/run\.json: expected JSON of ordinary numbers, text and depth, found {found}"
    ):
        parse_overrides(text.encode(), "raw/x/run.json")


@pytest.mark.parametrize("content", [b"", b" \n", b"\xef\xbb\xbf"])
def test_settings_without_content_are_a_refusal_that_says_so(content):
    with pytest.raises(BadRequest) as caught:
        parse_overrides(content, "raw/x/run.json")
    assert str(caught.value) == (
        "raw/x/run.json: expected a JSON object of settings, found an empty file; write {} or delete it."
    )


@pytest.mark.parametrize("text", ["1_0", "٣", "0x10", "1e", " 3", ""])
def test_a_number_as_text_is_one_as_json_writes_it(text):
    with pytest.raises(ConfigError, match=r"hyperparameters\.epochs: expected a whole number"):
        recipe.config("prod2vec", {"hyperparameters": {"epochs": text}})


@pytest.mark.parametrize("given", ["", "ml.m5 large", "ml.m5.large\n", "m5.large", "ml.m5"])
def test_a_machine_that_cannot_exist_is_refused_before_any_job(given):
    with pytest.raises(ConfigError, match=r"jobs\.train: expected an instance_type such as ml\.m5\.xlarge"):
        recipe.config("prod2vec", {"jobs": {"train": {"instance_type": given}}})


def test_a_number_beyond_every_machine_is_refused_by_its_setting():
    with pytest.raises(ConfigError, match=r"hyperparameters\.epochs: expected a whole number"):
        recipe.config("prod2vec", {"hyperparameters": {"epochs": 10**400}})
