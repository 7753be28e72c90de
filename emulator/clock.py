"""Virtual time, as the state machine engine asks for it."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Time that passes only when somebody waits for it."""

    def now(self) -> datetime: ...

    def sleep(self, seconds: float) -> None: ...

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Let time pass until the condition holds, at most so long."""
