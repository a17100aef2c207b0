"""Stage explain_failure: one readable message about why an execution failed."""
