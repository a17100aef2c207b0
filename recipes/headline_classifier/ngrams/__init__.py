"""The wide part of headline_classifier: hashed n-grams of words and characters, counted and weighed."""
