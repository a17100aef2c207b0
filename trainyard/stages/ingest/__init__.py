"""Stage ingest: checks uploaded files or a database strictly, and writes typed Parquet."""
