"""Turns files and settings of a person into a data set in the bucket, which starts the workflow."""
