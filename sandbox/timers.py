"""Timers in real time: what happens later, and what happens again and again."""

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from emulator.events import Event, event_of

log = logging.getLogger(__name__)


class Timers:
    """Lets actions happen later, each on a thread of its own, until it is closed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False
        self._timers: set[threading.Timer] = set()

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        def run() -> None:
            try:
                action()
            finally:
                with self._lock:
                    self._timers.discard(timer)

        timer = threading.Timer(seconds, run)
        timer.daemon = True
        with self._lock:
            if not self._closed:
                self._timers.add(timer)
                timer.start()

    def close(self) -> None:
        """What has begun is waited for; what would come later never does."""
        with self._lock:
            self._closed = True
            timers = list(self._timers)
        for timer in timers:
            timer.cancel()
        for timer in timers:
            timer.join(10)


class Ticks:
    """Does something again and again, on a thread of its own, until it is closed. If it fails once,
    the log has it, and the next time comes all the same.

    `on_grid` are ticks that lie on a grid of the machine's clock.
    """

    def __init__(
        self, name: str, do: Callable[[], object], seconds: float, *, on_grid: bool = False
    ) -> None:
        self._do, self._seconds, self._on_grid = do, seconds, on_grid
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """What has begun is waited for."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def _run(self) -> None:
        while not self._closing.wait(self._pause()):
            try:
                self._do()
            except Exception:
                log.exception("%s failed in one tick", self._thread.name)

    def _pause(self) -> float:
        return self._seconds - time.time() % self._seconds if self._on_grid else self._seconds


class Schedule:
    """Calls functions again and again, each by itself, as a rule with a rate does."""

    def __init__(
        self, functions: list[str], invoke: Callable[[str, Event], Any], seconds: float
    ) -> None:
        self._invoke = invoke
        self._ticks = [
            Ticks("the schedule", partial(self._call, function), seconds) for function in functions
        ]

    def start(self) -> None:
        for ticks in self._ticks:
            ticks.start()

    def close(self) -> None:
        for ticks in self._ticks:
            ticks.close()

    def _call(self, function: str) -> None:
        try:
            self._invoke(function, event_of("aws.events", "Scheduled Event", {}))
        except Exception:
            log.exception("%s failed on its schedule", function)
