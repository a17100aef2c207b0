"""Events on their way to a function, a queue or a machine: kept until they arrived or are in a dead letter queue."""
