"""Folders of the buckets. People upload to `<folder>/<recipe>/<dataset>/<file>` of the raw one."""

from __future__ import annotations

RAW_PREFIX = "raw"
# Files that are only to be scored lie apart: an upload here starts nothing by itself.
SCORE_PREFIX = "score"
# What became true of what was predicted: an upload here sets it beside the predictions. In the artifacts bucket, the
# newest of what was found: truth/<recipe>/model=<model>/dataset=<data set>/
TRUTH_PREFIX = "truth"
OVERRIDES_FILE = "run.json"
# Uploaded after all others, it says that nothing more comes: nobody waits for the set to settle.
READY_FILE = "_READY"
# Uploaded after all others, it says that somebody starts an execution on the set: what these uploads started ends.
BY_HAND_FILE = "_BY_HAND"
# None of them holds data.
NO_DATA = (OVERRIDES_FILE, READY_FILE, BY_HAND_FILE)
# Of the artifacts bucket. Bulk scores: scores/<recipe>/model=<model>/run=<run id>/part-00000.parquet
SCORES_PREFIX = "scores"
# Results of queries lie there until they are read.
QUERIES_PREFIX = "queries"
