"""Headlines as texts: their words, near copies, and how they lie on disk."""
