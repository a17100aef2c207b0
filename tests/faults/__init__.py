"""The fault matrix: what is broken on purpose, what must come of it, and what came; docs/reliability.md shows it."""
