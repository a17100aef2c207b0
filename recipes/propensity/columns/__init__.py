"""What the columns of a table are: their names, what they hold, and what each is good for; runs in Glue."""
