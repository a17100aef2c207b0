"""Models: registered, in use, behind endpoints, asked one request or many rows."""
