"""Ibis' backend of DuckDB, which describes tables without pyarrow and numpy; runs in Glue and on a laptop.

Import it through `lean_ibis.py`, or Ibis loads the SQL of all its databases.
"""

from __future__ import annotations

import duckdb
import ibis
import ibis.backends.duckdb
from ibis.common.exceptions import TableNotFound
from sqlglot.expressions import table_


class LeanDuckDB(ibis.backends.duckdb.Backend):  # type: ignore[misc]
    """Ibis' own, but for one method."""

    def get_schema(self, table_name: str, *, catalog: str | None = None, database: str | None = None) -> ibis.Schema:
        """The columns of a table or view; raises TableNotFound, as Ibis does."""
        named = table_(table_name, db=database, catalog=catalog, quoted=True).sql(self.dialect)
        try:
            described = self.con.execute(f"DESCRIBE {named}").fetchall()
        except duckdb.CatalogException as error:
            raise TableNotFound(table_name) from error
        read = self.compiler.type_mapper.from_string
        return ibis.schema({name: read(kind, nullable=null == "YES") for name, kind, null, *_ in described})
