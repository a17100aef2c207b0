"""Minutes until a delivery arrives, from distance and load: a small complete recipe."""
