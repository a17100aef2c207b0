"""Runs: what each was asked to do, found, made and cost."""
