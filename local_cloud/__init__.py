"""AWS on a laptop: MiniStack, with the SageMaker, the Glue jobs and the parts of Step Functions that it lacks."""
