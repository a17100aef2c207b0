"""Documents of neural_topic_model: their lemmas, numbers and bags of words."""
