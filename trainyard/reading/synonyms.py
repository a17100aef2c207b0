"""Chooses among columns that may all be the one that a recipe asks for, where that is certain; in Glue's driver."""

from __future__ import annotations

import re
from collections.abc import Sequence

IDENTIFIER = re.compile(r"(id|sku|code|no|nr|number|nummer|uuid|guid|ean|gtin|upc|asin|isbn|barcode)$")
# What others number: it is as good as a number of one's own, which is taken where there is one.
STANDARD = re.compile(r"(ean|gtin|upc|asin|isbn(10|13)?|barcode)$")
DESCRIPTION = re.compile(r"(name|title|description)$")


def surest_key(names: Sequence[str]) -> int | None:
    """Which of some columns holds the keys, None where in doubt; names are written as `plain_name` does.

    It is the only one that is called an identifier, by itself or of the same thing as the others: the sku beside the
    product, the product code beside the product; not the session id beside the transaction. An id is taken before the
    number of a standard.

    >>> surest_key(["product", "sku"]), surest_key(["transaction", "sessionid"]), surest_key(["sku", "ean"])
    (1, None, None)
    >>> surest_key(["isbn", "bookid"])
    1
    """
    keys = [at for at, each in enumerate(names) if IDENTIFIER.search(each)]
    own = [at for at in keys if names[at].endswith("id")]
    if len(own) == 1 and all(at in own or STANDARD.search(names[at]) for at in range(len(names))):
        return own[0]
    if len(keys) != 1:
        return None
    thing = _thing(names[keys[0]])
    others = {_thing(each) for at, each in enumerate(names) if at != keys[0]}
    return keys[0] if not thing or others == {thing} else None


def _thing(name: str) -> str:
    """What a column is about, in the singular: `product` for productcode and products."""
    return DESCRIPTION.sub("", IDENTIFIER.sub("", name)).removesuffix("s")
