"""DynamoDB's transactions: before one, only the items that it writes are copied.

moto copies the table with all its items, once for each of the writes.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy, deepcopy
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table


@dataclass(frozen=True, slots=True)
class Transaction:
    """The keys or items that are written, and the tables as they were before."""

    writes: list[dict[str, Any]]
    before: dict[str, Table] = field(default_factory=dict)


_transaction: ContextVar[Transaction] = ContextVar("_transaction")
"""The one under way."""


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
        keys = [write.get("Key") or write["Item"] for write in writes]
        token = _transaction.set(Transaction(keys))
        try:
            transact(self, transact_items)
        finally:
            _transaction.reset(token)

    return transact_write_items


def _copied(self: Table, memo: dict[int, Any]) -> Table:
    """All copies are made before the first write, so one stands for all of them."""
    transaction = _transaction.get()
    if self.name not in transaction.before:
        transaction.before[self.name] = _with_copies(self, transaction.writes, memo)
    return transaction.before[self.name]


def _with_copies(table: Table, writes: list[dict[str, Any]], memo: dict[int, Any]) -> Table:
    """Of a table nothing but its items changes in a transaction. It has a range key."""
    copied = copy(table)
    copied.items = defaultdict(dict)
    for hash_key, by_range in table.items.items():
        copied.items[hash_key] = copy(by_range)
    range_attribute: Any = table.range_key_attr
    for write in writes:
        by_range = copied.items.get(DynamoType(write[table.hash_key_attr]), {})
        range_key: Any = DynamoType(write[range_attribute])
        if range_key in by_range:
            by_range[range_key] = deepcopy(by_range[range_key], memo)
    return copied
