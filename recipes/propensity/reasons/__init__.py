"""What each column adds to the log odds of a visit, of one and of many."""
