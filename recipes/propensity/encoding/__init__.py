"""How columns of visits become inputs of the models: names, dates and quantities."""
