"""Chooses among columns that may all be the one that a recipe asks for, where that is certain; in Glue's driver."""

from __future__ import annotations

import re
from collections.abc import Sequence

IDENTIFIER = re.compile(r"(id|sku|code|no|nr|number|nummer|uuid|guid|ean|gtin|upc|asin|isbn|barcode)$")
DESCRIPTION = re.compile(r"(name|title|description)$")


def surest_key(names: Sequence[str]) -> int | None:
    """Which of some columns holds the keys, None where in doubt; names are written as `plain_name` does.

    It is the only one that is called an identifier, by itself or of the same thing as the others: the sku beside the
    product, the product code beside the product; not the session id beside the transaction.

    >>> surest_key(["product", "sku"]), surest_key(["transaction", "sessionid"]), surest_key(["sku", "ean"])
    (1, None, None)
    """
    keys = [at for at, each in enumerate(names) if IDENTIFIER.search(each)]
    if len(keys) != 1:
        return None
    thing = _thing(names[keys[0]])
    others = {_thing(each) for at, each in enumerate(names) if at != keys[0]}
    return keys[0] if not thing or others == {thing} else None


def _thing(name: str) -> str:
    """What a column is about, in the singular: `product` for productcode and products."""
    return DESCRIPTION.sub("", IDENTIFIER.sub("", name)).removesuffix("s")
