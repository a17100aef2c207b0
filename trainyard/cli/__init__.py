"""The command line `trainyard`: one module per group of commands; runs on a laptop or in CI."""
