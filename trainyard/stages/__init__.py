"""What happens in each stage: one module or folder per verb; shells hand in clients, paths and settings."""
