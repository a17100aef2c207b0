"""Makes recipes, tries them and says whether they keep the contract; runs on a laptop."""
