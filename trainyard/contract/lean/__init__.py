"""Large libraries without what a job never asks them for, and as many threads as the work is worth."""
