"""The state machine: in what order the steps of every recipe run, and what is retried."""
