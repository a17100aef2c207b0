"""Stage notify: what the topic said, once more, for chat channels and programs."""
