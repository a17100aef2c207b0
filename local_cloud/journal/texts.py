"""Keys and values of MiniStack's stores as texts, and back, with MiniStack's own encoder; in the server."""

from __future__ import annotations

import ast
import json
import time
from typing import Any

from ministack.core import persistence
from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict

# Beginnings of the keys of a store scoped by account, of one by account and region, and of a value with no entries.
_BY_ACCOUNT, _BY_REGION, WHOLE = "account", "region", "whole"
# Another thread may change a dictionary while it is written down.
_ATTEMPTS = 100
_PAUSE_SECONDS = 0.001


def text_of(value: Any) -> str:
    """A value as text; raises TypeError for what MiniStack itself could not keep."""
    for _ in range(_ATTEMPTS):
        try:
            return json.dumps(value, default=persistence._json_default, separators=(",", ":"))
        except RuntimeError:
            time.sleep(_PAUSE_SECONDS)
    return json.dumps(value, default=persistence._json_default, separators=(",", ":"))


def value_of(text: str) -> Any:
    """The value of a text."""
    return json.loads(text, object_hook=persistence._json_object_hook)


def key_text(store: Any, key: Any) -> str:
    """A scoped key of a store as text.

    Accounts and regions have no slash, and the last part is read to the end.
    """
    scope = _BY_REGION if isinstance(store, AccountRegionScopedDict) else _BY_ACCOUNT
    return "/".join((scope, *key[:-1], repr(key[-1])))


def store_of(rows: dict[str, Any]) -> Any:
    """What the entries of a store, or the one value, were: by the texts of their keys."""
    if set(rows) == {WHOLE}:
        return rows[WHOLE]
    regional = next(iter(rows)).startswith(_BY_REGION)
    store = AccountRegionScopedDict() if regional else AccountScopedDict()
    for key, value in rows.items():
        store._data[scoped_key(key)] = value
    return store


def scoped_key(text: str) -> tuple[Any, ...]:
    """The scoped key of a text.

    >>> scoped_key("region/000000000000/us-east-1/'a/b'")
    ('000000000000', 'us-east-1', 'a/b')
    """
    scope, _, rest = text.partition("/")
    *owner, name = rest.split("/", 2 if scope == _BY_REGION else 1)
    return (*owner, ast.literal_eval(name))
