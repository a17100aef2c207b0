"""Data sets: read before they are uploaded, uploaded, and listed."""
