"""What trains the network of headline_classifier: word vectors, steps and temperature."""
