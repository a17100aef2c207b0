"""Stage reuse: ingest, prepare and process of a run are taken over by another whose inputs of that stage are equal."""
