"""Stage check drift: the requests that an endpoint kept, beside what its model was trained on."""
