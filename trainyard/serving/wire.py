"""What callers and the service agree on: formats, sizes and how a refusal reads; standard library only."""

from __future__ import annotations

import json

JSON, LINES, TABLE = "application/json", "application/jsonlines", "text/csv"
MEDIA = (JSON, LINES, TABLE)
ALIASES = {"application/x-jsonlines": LINES, "application/jsonl": LINES, "application/x-ndjson": LINES}
MIB = 1024 * 1024
# What an endpoint carries each way, by its type.
INSTANCES, SERVERLESS = "instances", "serverless"
ENDPOINT_BYTES = {INSTANCES: 25 * MIB, SERVERLESS: 4 * MIB}
# What a function takes and gives, and so the HTTP API in front of it: an event or a response as JSON, in which text has
# escapes.
FUNCTION_BYTES = 6 * MIB


def sentence_of(said: str) -> str:
    """The sentence in a refusal, `{"error": sentence}`; any other text as it is."""
    try:
        document = json.loads(said)
    except (ValueError, RecursionError):
        return said
    return str(document["error"]) if isinstance(document, dict) and "error" in document else said
