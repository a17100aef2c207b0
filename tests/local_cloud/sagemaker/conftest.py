"""An endpoint host for the tests of one module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..conftest import Cloud
from .tiny_models import Host, host_of


@pytest.fixture(scope="module")
def host(local_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    made = host_of(local_cloud, tmp_path_factory.mktemp("image"))
    yield made
    for each in made.client.list_endpoints()["Endpoints"]:
        made.settled(each["EndpointName"])
        made.client.delete_endpoint(EndpointName=each["EndpointName"])
        made.gone(each["EndpointName"])
