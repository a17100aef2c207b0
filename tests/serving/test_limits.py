"""Limits come from the environment, or one sentence says which variable is wrong."""

from __future__ import annotations

import pytest

from trainyard.errors import ConfigError
from trainyard.serving.limits import Limits
from trainyard.serving.server import host_of_environment, port_of_environment


def test_limits_are_set_by_variables():
    found = Limits.of_environment({"TRAINYARD_MAX_ROWS": "7", "TRAINYARD_MAX_SECONDS": " "})
    assert found == Limits(max_rows=7)


def test_an_endpoint_carries_what_its_type_does():
    instances, serverless = Limits(), Limits.of_environment({"TRAINYARD_ENDPOINT_TYPE": "serverless"})
    assert (instances.max_body_bytes, instances.max_answer_bytes) == (25 * 2**20, 25 * 2**20)
    assert (serverless.max_body_bytes, serverless.max_answer_bytes) == (4 * 2**20, 4 * 2**20)
    assert serverless.reason("max_body_bytes") == "which is what an endpoint of type serverless carries"
    own = Limits(endpoint_type="serverless", max_answer_bytes=5)
    assert own.reason("max_answer_bytes") == "which is what TRAINYARD_MAX_ANSWER_BYTES allows"
    with pytest.raises(ConfigError, match="Expected instances or serverless in TRAINYARD_ENDPOINT_TYPE, found 'x'"):
        Limits.of_environment({"TRAINYARD_ENDPOINT_TYPE": "x"})


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", "²", "9" * 5000])
def test_a_wrong_limit_is_named(text):
    with pytest.raises(ConfigError, match="Expected a whole number above 0 in TRAINYARD_MAX_ROWS"):
        Limits.of_environment({"TRAINYARD_MAX_ROWS": text})


def test_the_port_is_the_one_sagemaker_asks_for(monkeypatch):
    monkeypatch.delenv("SAGEMAKER_BIND_TO_PORT", raising=False)
    assert port_of_environment() == 8080
    monkeypatch.setenv("SAGEMAKER_BIND_TO_PORT", "18100")
    assert port_of_environment() == 18100
    monkeypatch.setenv("SAGEMAKER_BIND_TO_PORT", "70000")
    with pytest.raises(ConfigError, match="Expected a port in SAGEMAKER_BIND_TO_PORT, found '70000'"):
        port_of_environment()


def test_only_a_container_listens_to_other_machines(monkeypatch):
    monkeypatch.delenv("TRAINYARD_HOST", raising=False)
    monkeypatch.delenv("TRAINYARD_ML_ROOT", raising=False)
    assert host_of_environment() == "127.0.0.1"
    monkeypatch.setenv("TRAINYARD_HOST", "0.0.0.0")
    assert host_of_environment() == "0.0.0.0"
    monkeypatch.setenv("TRAINYARD_ML_ROOT", "/somewhere")
    assert host_of_environment() == "127.0.0.1"
