"""Keeps DynamoDB tables with a row for each item; in the server."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from ministack.services import dynamodb

from local_cloud.journal import touched
from local_cloud.journal.draft import Draft
from local_cloud.journal.places import Place, part_kind
from local_cloud.journal.store import Journal
from local_cloud.journal.texts import key_text

Item = dict[str, Any]
_ITEMS = "dynamodb/items"
_ALL_ITEMS = "all items"


def install() -> None:
    """Note every item that is put or removed."""
    put, remove, replaced = dynamodb._set_item, dynamodb._remove_item, dynamodb._items_replaced

    def set_item(table: Item, pk_val: Any, sk_val: Any, item: Item) -> Any:  # noqa: PLR0917 - MiniStack's signature
        _note(table, (pk_val, sk_val))
        return put(table, pk_val, sk_val, item)

    def remove_item(table: Item, pk_val: Any, sk_val: Any) -> Any:  # noqa: PLR0917 - MiniStack's signature
        _note(table, (pk_val, sk_val))
        return remove(table, pk_val, sk_val)

    def items_replaced(table: Item) -> None:
        _note(table, _ALL_ITEMS)
        replaced(table)

    dynamodb._set_item, dynamodb._remove_item, dynamodb._items_replaced = set_item, remove_item, items_replaced


def _note(table: Item, part: Any) -> None:
    # arn:aws:dynamodb:REGION:ACCOUNT:table/NAME
    region, account, resource = table["TableArn"].split(":", 5)[3:]
    touched.note(dynamodb._tables, (account, region, resource.removeprefix("table/")), part=part)


class Tables(Place):
    """A row for the table itself, and one for each item."""

    def put(self, key: Any, value: Any, *, draft: Draft, part: Any) -> None:
        """A table whose row is new is written with all its items."""
        kind, items = _kind(key), value["items"]
        new = not draft.known.has(self.kind, key_text(self.store, key))
        if part == _ALL_ITEMS or (new and items):
            draft.forget_kind(kind)
            for pk, ranges in list(items.items()):
                for sk, item in list(ranges.items()):
                    draft.keep(kind, repr((pk, sk)), value=item)
        elif part is not None:
            pk, sk = part
            item = items.get(pk, {}).get(sk)
            if item is None:
                draft.transaction.entries.append((kind, repr(part), None))
            else:
                draft.keep(kind, repr(part), value=item)
        table = {name: each for name, each in value.items() if name not in {"items", dynamodb._INDEX_MEMBERS}}
        draft.keep(self.kind, key_text(self.store, key), value=table)

    def gone(self, key: Any, draft: Draft) -> None:
        """The items go with their table."""
        draft.forget_kind(_kind(key))

    def parts(self, key: Any) -> str:
        """The kind of a table's items."""
        return _kind(key)

    def restored(self, key: Any, value: Any, *, rows: Mapping[str, Any], journal: Journal) -> Any:
        """A table with its items."""
        del key, journal
        items: defaultdict[Any, Any] = defaultdict(dict)
        for text, item in rows.items():
            pk, sk = ast.literal_eval(text)
            items[pk][sk] = item
        return {**value, "items": items}


def _kind(key: Any) -> str:
    return part_kind(_ITEMS, key)
