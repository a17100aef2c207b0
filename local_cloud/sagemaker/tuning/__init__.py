"""Tuning jobs: a search that chooses hyperparameters, and the training jobs that it starts and ends."""
