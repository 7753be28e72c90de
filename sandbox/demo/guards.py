"""Guards: what the workflow keeps capacity with, switched off to show what it is worth."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from stepcanary.release import floors


@contextmanager
def floors_off() -> Iterator[None]:
    """Nobody keeps autoscaling from taking the tasks of a side that has lost its traffic."""

    def as_it_is(_release: Any, lease: Any, *_: Any, **__: Any) -> Any:
        return lease

    with (
        patch.object(floors, "put_up", as_it_is),
        patch.object(floors, "keep_count", as_it_is),
        patch.object(floors, "try_to_keep_count", as_it_is),
    ):
        yield
