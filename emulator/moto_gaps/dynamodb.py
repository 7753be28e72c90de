"""DynamoDB: one write at a time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from moto.dynamodb.responses import DynamoHandler

one_at_a_time = threading.Lock()


@contextmanager
def filled() -> Iterator[None]:
    """AWS: concurrent calls on one item happen one after the other.

    moto: copies an item for its answer while another thread may be changing it.
    """
    call_action = DynamoHandler.call_action

    def call_alone(self: DynamoHandler) -> Any:
        with one_at_a_time:
            return call_action(self)

    with patch.object(DynamoHandler, "call_action", call_alone):
        yield
