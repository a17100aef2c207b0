"""Stage log to MLflow: a run, as people who use MLflow know runs."""
