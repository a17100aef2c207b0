"""The model registry: models, groups of model packages and their versions."""
