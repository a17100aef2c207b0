"""The job arguments, as real Glue passes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainyard.errors import ConfigError
from trainyard.glue.arguments import Arguments, parse


def test_glue_passes_its_own_arguments_beside_ours():
    argv = ["--JOB_NAME", "ingest", "--RUN_URI", "s3://artifacts/prod2vec/1/", "--enable-metrics", "--EXECUTION", "x"]
    argv += ["--ENGINE", "spark", "--SPARK_THRESHOLD_GB", "2.5", "--job-language", "python", "--TempDir", "s3://t/"]
    assert parse(argv) == Arguments(run_uri="s3://artifacts/prod2vec/1", engine="spark", spark_threshold_gb=2.5)


def test_defaults_and_the_form_with_an_equals_sign():
    assert parse(["--RUN_URI=s3://a/b/c"]) == Arguments(run_uri="s3://a/b/c", engine="auto", spark_threshold_gb=5.0)


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        ([], "--RUN_URI: expected s3://<bucket>/<recipe>/<run id>, found None."),
        (["--RUN_URI", "prod2vec/1"], "found 'prod2vec/1'."),
        (
            ["--RUN_URI", "s3://a/b/c", "--ENGINE", "dask"],
            "--ENGINE: expected one of auto, duckdb, spark, found 'dask'.",
        ),
        (["--RUN_URI", "s3://a/b/c", "--TASK", "all"], "--TASK: expected one of tables, children, found 'all'."),
        (["--RUN_URI", "s3://a/b/c", "--SPARK_THRESHOLD_GB", "much"], "--SPARK_THRESHOLD_GB: expected a number"),
    ],
)
def test_mistakes_are_named(argv, sentence):
    with pytest.raises(ConfigError) as caught:
        parse(argv)
    assert sentence in str(caught.value)


@given(st.lists(st.sampled_from(["--", "-x", "--A", "value", "--ENGINE", "auto", "--SPARK_THRESHOLD_GB", "=", "1"])))
def test_any_other_words_are_passed_over_or_refused(words):
    try:
        assert parse(["--RUN_URI", "s3://a/b/c", *words]).run_uri == "s3://a/b/c"
    except ConfigError:
        assert "--ENGINE" in words or "--SPARK_THRESHOLD_GB" in words
