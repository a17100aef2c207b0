"""Minutes until a delivery arrives, from distance and load: the smallest complete recipe."""
