"""Names of files that stages leave for people, beside the documents that are classes."""

from __future__ import annotations

# The page about a run, or about a bulk scoring.
PAGE_FILE = "index.html"
# The first scored rows, to be shown.
HEAD_FILE = "head.json"
