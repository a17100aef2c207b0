"""Databases in files as people have them: every visit is drawn, however times and numbers are spelled."""

from __future__ import annotations

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.files.walk import index
from trainyard.run import recipe
from trainyard.stages.ingest import database

FILE = "propensity.sqlite"
ENTRIES = {each["id"]: each for each in index() if each["files"] == [FILE]}


@pytest.mark.parametrize("identifier", ENTRIES)
def test_every_visit_is_drawn(identifier, cases, tmp_path):
    module, config = recipe.module("propensity", "ingest"), recipe.config("propensity", {})
    with database.open_sqlite(cases / identifier / FILE, FILE, scratch=tmp_path) as connection:
        quality = module.extract(connection, tmp_path / "tables", config=config)
    assert quality.ok and not quality.warnings, (quality.problems, quality.warnings)
    visits, value = pq.read_table(tmp_path / "tables" / "visits"), ENTRIES[identifier]["value"]
    assert (visits.num_rows, pc.sum(visits["is_sale"]).as_py()) == (value["visits"], value["sales"])
