"""Opening: finds the plain tables in an uploaded file of any packing, format, encoding and layout; knows no recipe."""
