"""What the local cloud has acknowledged, kept so that a killed server loses none of it."""
