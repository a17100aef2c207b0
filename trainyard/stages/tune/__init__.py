"""Stage tune: what is made of a finished search for hyperparameters."""
