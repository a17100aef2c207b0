"""Shows an execution on a terminal: its states, its progress, and how it ended."""
