"""Athena on a laptop: MiniStack's queries on DuckDB, with results, new tables and work groups as AWS has them."""
