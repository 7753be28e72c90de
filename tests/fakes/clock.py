"""A clock on which hours pass at once, and on which what is due happens in its order."""

import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class VirtualClock:
    """Time passes only when somebody sleeps or waits; whatever falls due meanwhile happens then."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.time = datetime(2026, 11, 24, tzinfo=UTC)
        self._due: list[tuple[datetime, int, Callable[[], None]]] = []
        self._number = itertools.count()

    def now(self) -> datetime:
        return self.time

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Let the action happen once so much time has passed."""
        moment = self.time + timedelta(seconds=seconds)
        heapq.heappush(self._due, (moment, next(self._number), action))

    def sleep(self, seconds: float) -> None:
        self.wait_until(lambda: False, seconds)

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> None:
        end = self.time + timedelta(seconds=seconds)
        while not condition():
            if not self._due or self._due[0][0] > end:
                self.time = max(self.time, end)
                return
            moment, _, action = heapq.heappop(self._due)
            self.time = max(self.time, moment)
            action()
