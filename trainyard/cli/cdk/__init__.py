"""Deploys the stacks with the CDK command line."""
