"""What a training keeps and tells while it runs."""
