"""SageMaker for the local cloud, which MiniStack lacks: jobs and endpoints run as processes of this machine."""
