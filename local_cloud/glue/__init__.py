"""Glue for the local cloud: MiniStack keeps the definitions of jobs, and this room runs them as processes."""
