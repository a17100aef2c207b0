"""Tests of the recipe neural_topic_model."""
