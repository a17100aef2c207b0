"""The plan: what Resolve tells the machine is what SageMaker accepts."""

from __future__ import annotations

import re

import botocore.session
import pytest
from botocore.validate import ParamValidator

from trainyard.contract.config import to_mapping
from trainyard.contract.progress import metric, metric_regex
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
    assert set(tuning["static"]) | set(config.tuning.ranges) == set(texts)


def test_a_grid_is_asked_for_with_as_many_jobs_as_it_has_combinations():
    values = {"type": "categorical", "values": ["100", "200"]}
    ranges = dict.fromkeys(recipe.config("prod2vec").tuning.ranges, values)
    config = recipe.config("prod2vec", {"tuning": {"strategy": "Grid", "max_jobs": 9, "ranges": ranges}})
    asked = plan.tuning(config, {})["config"]
    assert asked["ResourceLimits"] == {"MaxNumberOfTrainingJobs": 4, "MaxParallelTrainingJobs": 2}
    assert [len(asked["ParameterRanges"][kind]) for kind in sorted(asked["ParameterRanges"])] == [2, 0, 0]


def test_the_metric_expression_finds_what_training_prints(capsys):
    metric("validation_hits", 0.125)
    metric("hits", -3e-7)
    line = capsys.readouterr().out
    assert re.findall(metric_regex("validation_hits"), line) == ["0.125"]
    assert [float(each) for each in re.findall(metric_regex("hits"), line)] == [-3e-7]


@pytest.mark.parametrize(
    "text", ['{"a": 1' + "0" * 5000 + "}", '{"a": ' + "[" * 30_000 + "]" * 30_000 + "}"], ids=["digits", "depth"]
)
def test_settings_that_json_cannot_hold_are_a_refusal(text):
    with pytest.raises(BadRequest, match=r"raw/x/run\.json: expected JSON of ordinary numbers and depth"):
        parse_overrides(text.encode(), "raw/x/run.json")


def test_a_number_beyond_every_machine_is_refused_by_its_setting():
    with pytest.raises(ConfigError, match=r"hyperparameters\.epochs: expected a whole number"):
        recipe.config("prod2vec", {"hyperparameters": {"epochs": 10**400}})
