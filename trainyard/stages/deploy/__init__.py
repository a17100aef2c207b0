"""Stage deploy: the test that a newly deployed endpoint has to pass."""
