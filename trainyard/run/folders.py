"""The folders of the bucket that people upload to: `<folder>/<recipe>/<dataset>/<file>`."""

from __future__ import annotations

RAW_PREFIX = "raw"
# Files that are only to be scored lie apart: an upload here starts nothing by itself.
SCORE_PREFIX = "score"
OVERRIDES_FILE = "run.json"
# Uploaded after all others, it says that nothing more comes: nobody waits for the set to settle.
READY_FILE = "_READY"
