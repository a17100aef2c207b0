"""Stage resolve: turns an upload or a manual start into the plan of a run."""
