"""The database of visits and sales: schema, checks, window of dates, sample, and what its values mean; ingest job."""
