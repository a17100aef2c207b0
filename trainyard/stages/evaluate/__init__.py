"""Stage evaluate: the new model beside the champion and simple baselines on held-out rows."""
