"""The web page of one deployment, on loopback: what ran, which models are in use, and what to do about either."""
