"""One run: what identifies it, where what it makes lies, and the documents that its stages leave for each other."""
