"""What a recipe is written against: the only part of this package that recipes import."""
