"""Topics of reviews by a variational neural topic model."""
