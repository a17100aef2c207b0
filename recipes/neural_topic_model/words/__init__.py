"""Words of neural_topic_model: which count, in which language, and how they keep company."""
