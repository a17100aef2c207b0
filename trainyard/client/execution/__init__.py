"""Executions of the workflow: found, followed, explained, and what their jobs wrote."""
