"""Stage score: every row through a registered model, and a page about what came out."""
