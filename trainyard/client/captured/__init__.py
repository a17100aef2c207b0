"""What endpoints kept of requests and answers: read, and forgotten."""
