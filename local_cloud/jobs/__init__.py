"""Runs container entry points as processes of this machine under SageMaker's container contract; in the server."""
