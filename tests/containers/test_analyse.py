"""The analysis of a search: what it leaves, and that it finds SageMaker where the run is."""

from __future__ import annotations

import json

import pandas as pd

from processing_container import analyse
from tests.images.inputs import request
from trainyard.run.run import Run
from trainyard.stages.tune import analyse as search

ARN = "arn:aws:states:eu-west-1:123456789012:execution:training:e1"
ASKED: list[tuple[str, str, str]] = []


class Search:
    """Answers for SageMaker, and notes who is asked what."""

    def __init__(self, name, sagemaker_session):
        ASKED.append((name, sagemaker_session.boto_region_name, sagemaker_session.sagemaker_client.meta.region_name))

    def dataframe(self):
        columns = {
            "TrainingJobName": ["one", "two", "three"],
            "TrainingStartTime": pd.date_range("2026-11-21", periods=3),
            "FinalObjectiveValue": [0.1, 0.3, 0.2],
            "embedding_size": [100.0, 200.0, 300.0],
            "learning_rate": [0.1, 0.2, 0.4],
        }
        return pd.DataFrame(columns)


def test_the_search_is_read_in_the_region_of_the_run(tmp_path, monkeypatch, capsys):
    resolve = tmp_path / "processing" / "input" / "resolve"
    request(resolve)
    asked = json.loads((resolve / Run.FILE).read_text())
    (resolve / Run.FILE).write_text(json.dumps({**asked, "execution_arn": ARN}))
    # All that SageMaker tells a container about its region; boto3 does not read it.
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("TRAINYARD_ML_ROOT", str(tmp_path))
    monkeypatch.setattr(search, "HyperparameterTuningJobAnalytics", Search)
    analyse.main(["--tuning-job", "tune-1"])
    assert ASKED == [("tune-1", "eu-west-1", "eu-west-1")]
    assert "3 of 3 jobs finished; best two: 0.3" in capsys.readouterr().out
    left = sorted(each.name for each in (tmp_path / "processing" / "output" / "analysis").iterdir())
    assert left == ["density.png", "jobs.csv", "objective.png", "search.png"]
