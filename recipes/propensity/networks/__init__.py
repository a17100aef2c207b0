"""The networks of propensity: many side by side, their epochs, and the search for what they are made of."""
