"""Client: steady requests from a user's side of the gateway, counted by who answered."""

import http.client
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

SETTLE_SECONDS = 0.6
"""Requests this close to a change of weight are counted, but in no step."""


@dataclass
class Count:
    """`canary` counts the requests that the canary's tasks answered, `refused` those that a task
    refused because it had too many; `seconds` is how long was counted."""

    requests: int = 0
    errors: int = 0
    canary: int = 0
    errors_from_canary: int = 0
    refused: int = 0
    refused_by_canary: int = 0
    seconds: float = 0.0
    by_version: Counter[str] = field(default_factory=Counter)
    by_canary_version: Counter[str] = field(default_factory=Counter)
    errors_by_version: Counter[str] = field(default_factory=Counter)
    by_task: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By ECS service and task."""

    def add(self, other: "Count") -> None:
        self.requests += other.requests
        self.errors += other.errors
        self.canary += other.canary
        self.errors_from_canary += other.errors_from_canary
        self.refused += other.refused
        self.refused_by_canary += other.refused_by_canary
        self.seconds += other.seconds
        self.by_task.update(other.by_task)
        self.by_version.update(other.by_version)
        self.by_canary_version.update(other.by_canary_version)
        self.errors_by_version.update(other.errors_by_version)


@dataclass(frozen=True, slots=True)
class Answered:
    """A request as its client saw it: when it was sent and its answer was there, in epoch seconds.
    `service` and `version` are those of the task that answered, and empty where none did."""

    sent: float
    at: float
    service: str
    bad: bool
    version: str = ""


class Client:
    """Sends about `rate` requests a second until closed, at most `limit` in all."""

    def __init__(self, url: str, canary: str, rate: int = 240, limit: int = 40_000) -> None:
        self._host = urlsplit(url).netloc
        self._canary = canary
        self._workers = 6
        self._pause = self._workers / rate
        self._limit = limit
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._weight: int | None = None
        self._steady_at = self._read_at = 0.0
        self._unconfirmed = Count()
        self._epoch = time.time() - time.monotonic()
        self.total = Count()
        self.answered: list[Answered] = []
        """Every request, by when its answer came."""
        self.last_canary_at = 0.0
        """When the last answer of the canary came, on the monotonic clock."""
        self.failed: dict[str, tuple[float, float]] = {}
        """When the first request failed, on the monotonic clock, and when the last one did, by the
        version that answered."""
        self.rest = Count()
        """What came before the first step."""
        self.steps: dict[int, Count] = {}
        self._threads = [
            threading.Thread(target=self._send, daemon=True) for _ in range(self._workers)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join(10)

    @property
    def first_error_at(self) -> float | None:
        """When the first request failed, on the monotonic clock."""
        with self._lock:
            return min((first for first, _ in self.failed.values()), default=None)

    @property
    def last_error_at(self) -> float | None:
        with self._lock:
            return max((last for _, last in self.failed.values()), default=None)

    def set_weight(self, weight: int) -> None:
        """Tell which weight the canary has by now; called whenever the route was read."""
        with self._lock:
            now = time.monotonic()
            self._unconfirmed.seconds = max(0.0, now - max(self._read_at, self._steady_at))
            if weight != self._weight:
                self._weight = weight
                self._steady_at = now + SETTLE_SECONDS
            elif weight:
                self.steps.setdefault(weight, Count()).add(self._unconfirmed)
            elif not self.steps:
                self.rest.add(self._unconfirmed)
            # What came between two readings that differ belongs to no step.
            self._unconfirmed = Count()
            self._read_at = now

    def _send(self) -> None:
        connection = http.client.HTTPConnection(self._host, timeout=10)
        due = time.monotonic()
        while not self._closing.is_set() and self.total.requests < self._limit:
            due = max(due + self._pause, time.monotonic() - 1)
            self._closing.wait(max(0.0, due - time.monotonic()))
            began = time.monotonic()
            status, version, task = 0, "none", ""
            content: dict[str, str] = {}
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                body = answer.read()
                status = answer.status
                version = answer.headers.get("x-version", "gateway")
                task = answer.headers.get("x-task", "")
                content = json.loads(body) if version != "gateway" else {}
            except (OSError, http.client.HTTPException, ValueError):
                connection.close()
            self._count(began, status != 200, version, task, content)
        connection.close()

    def _count(
        self, began: float, error: bool, version: str, task: str, content: dict[str, str]
    ) -> None:
        """Count one answer; its `content` names the service, and why it was refused."""
        service, refused = content.get("service", ""), "refused" in content
        canary = service == self._canary
        with self._lock:
            now = time.monotonic()
            self.answered.append(
                Answered(
                    self._epoch + began,
                    self._epoch + now,
                    service,
                    error,
                    version if service else "",
                )
            )
            if canary:
                self.last_canary_at = now
            if error:
                first, _ = self.failed.get(version, (now, now))
                self.failed[version] = (first, now)
            counts = [self.total]
            if self._weight is not None and began >= self._steady_at:
                counts.append(self._unconfirmed)
            one = Count(1, int(error), int(canary), int(error and canary))
            one.refused, one.refused_by_canary = int(refused), int(refused and canary)
            one.by_version[version] += 1
            one.by_canary_version[version] += canary
            one.errors_by_version[version] += error
            if task:
                one.by_task[service, task] += 1
            for count in counts:
                count.add(one)
