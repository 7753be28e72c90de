"""DynamoDB's transactions: before one, only the items that it writes are copied.

moto copies the table with all its items, once for each of the writes.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy, deepcopy
from typing import Any
from unittest.mock import patch

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

_writes: ContextVar[list[dict[str, Any]]] = ContextVar("_writes")
"""The keys or items of the transaction under way."""


@contextmanager
def accelerated() -> Iterator[None]:
    with (
        patch.object(DynamoDBBackend, "transact_write_items", _transact()),
        patch.object(Table, "__deepcopy__", _copied, create=True),
    ):
        yield


def _transact() -> Any:
    transact = DynamoDBBackend.transact_write_items

    def transact_write_items(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        writes = [write for item in transact_items for write in item.values()]
        token = _writes.set([write.get("Key") or write["Item"] for write in writes])
        try:
            transact(self, transact_items)
        finally:
            _writes.reset(token)

    return transact_write_items


def _copied(self: Table, memo: dict[int, Any]) -> Table:
    """Of a table nothing but its items changes in a transaction. It has a range key."""
    copied = copy(self)
    copied.items = defaultdict(dict)
    for hash_key, by_range in self.items.items():
        copied.items[hash_key] = copy(by_range)
    range_attribute: Any = self.range_key_attr
    for write in _writes.get():
        by_range = copied.items.get(DynamoType(write[self.hash_key_attr]), {})
        range_key: Any = DynamoType(write[range_attribute])
        if range_key in by_range:
            by_range[range_key] = deepcopy(by_range[range_key], memo)
    return copied
