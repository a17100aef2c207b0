"""What machines cost, and what the jobs of an execution came to."""
