"""Waiting, in real time, for what a sandbox does by itself."""

import time
from collections.abc import Callable
from typing import Any


def within(bound: float, every: float = 0.05) -> Callable[..., None]:
    """A wait that fails after so many seconds, or after as many as one call says.

    `every` so many seconds it looks again.
    """

    def eventually(condition: Callable[[], Any], seconds: float = bound) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "the condition did not hold in time"
            time.sleep(every)

    return eventually
