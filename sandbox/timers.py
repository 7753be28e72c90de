"""Timers in real time: what happens later, and what happens again and again."""

import logging
import threading
from collections.abc import Callable
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


class Schedule:
    """Calls functions again and again, each by itself, as a rule with a rate does."""

    def __init__(
        self, functions: list[str], invoke: Callable[[str, Event], Any], seconds: float
    ) -> None:
        self._invoke, self._seconds = invoke, seconds
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(function,), name="schedule", daemon=True)
            for function in functions
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._closing.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(10)

    def _run(self, function: str) -> None:
        while not self._closing.wait(self._seconds):
            try:
                self._invoke(function, event_of("aws.events", "Scheduled Event", {}))
            except Exception:
                log.exception("%s failed on its schedule", function)
