"""Step Functions of the local cloud: redrive, stop, time limits, permissions and history that MiniStack lacks."""
