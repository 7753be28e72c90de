"""Waiting, in real time, for what a sandbox does by itself."""

import time
from collections.abc import Callable
from typing import Any


def within(bound: float) -> Callable[..., None]:
    """A wait that fails after so many seconds, or after as many as one call says."""

    def eventually(happened: Callable[[], Any], seconds: float = bound) -> None:
        deadline = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.05)

    return eventually
