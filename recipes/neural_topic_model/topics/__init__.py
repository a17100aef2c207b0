"""Topics of neural_topic_model: fitted, chosen, named, shown by words and over time."""
