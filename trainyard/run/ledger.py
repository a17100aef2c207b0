"""What the items of the ledger share: the name of a pointer, and when an item goes by itself; standard library only."""

from __future__ import annotations

import time

# Before the name of a model, in the key of its champion pointer.
CHAMPION = "champion/"
# The attribute by which DynamoDB removes an item: seconds since 1970.
EXPIRES = "expires"
# An upload's event comes again within a day, a redrive within 14; whoever asks later asks the execution itself.
KEEP_DAYS = 90


def expiry() -> dict[str, dict[str, str]]:
    """The attribute that lets an item go `KEEP_DAYS` from now, as DynamoDB takes it."""
    return {EXPIRES: {"N": str(int(time.time()) + KEEP_DAYS * 24 * 3600)}}
