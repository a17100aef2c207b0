"""What is watched once a model is registered: kept requests, drift, and how good predictions turned out to be."""
