"""What people set for a run: as paths, laid over each other, allowed or refused, and noted as they are read."""
