"""What callers and the service agree on: formats, sizes and how a refusal reads; standard library only."""

from __future__ import annotations

import json

JSON, LINES, TABLE = "application/json", "application/jsonlines", "text/csv"
MEDIA = (JSON, LINES, TABLE)
ALIASES = {"application/x-jsonlines": LINES, "application/jsonl": LINES, "application/x-ndjson": LINES}
# What a serverless endpoint takes and gives. A function carries 6 MB, in which text may need escapes.
SERVERLESS_BYTES = 4 * 1024 * 1024


def sentence_of(said: str) -> str:
    """The sentence in a refusal, `{"error": sentence}`; any other text as it is."""
    try:
        document = json.loads(said)
    except ValueError:
        return said
    return str(document["error"]) if isinstance(document, dict) and "error" in document else said
