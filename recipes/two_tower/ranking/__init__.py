"""In what order a user gets films: the towers, EASE, and the mixture of both that validation chooses."""
