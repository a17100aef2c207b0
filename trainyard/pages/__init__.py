"""The pages people read: the report of a run, the page of a bulk scoring, and the pictures and tables in them."""
