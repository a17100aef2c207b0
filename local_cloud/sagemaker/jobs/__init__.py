"""Processing and training jobs: SageMaker's container contract, statuses and outputs."""
