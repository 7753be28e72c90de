"""Log driver: what a task writes becomes lines of its log group, as by ECS's driver awslogs."""

import os
import select
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.models import logs_backends

FLUSH_SECONDS = 5.0
"""How often the driver sends what it has."""
MOST_LINES = 10_000
MOST_BYTES = 1_048_576
"""Of one PutLogEvents, in which each line counts 26 bytes more than it has."""
BYTES_PER_LINE = 26

Put = Callable[[list[dict[str, Any]]], object]
"""Takes the events of one PutLogEvents."""


def can_start(container: dict[str, Any], account: str, region: str) -> bool:
    """Whether ECS starts the container: not where its log group is missing."""
    options = _options(container)
    group = options.get("awslogs-group")
    if group is None or options.get("awslogs-create-group") == "true":
        return True
    return group in logs_backends[account][region].groups


def stream_for(container: dict[str, Any], task: str, account: str, region: str) -> Put | None:
    """A new log stream of a task's container; None of one that writes none."""
    options = _options(container)
    group = options.get("awslogs-group")
    if group is None:
        return None
    logs = logs_backends[account][region]
    prefix = options.get("awslogs-stream-prefix")
    stream = f"{prefix}/{container['name']}/{task}" if prefix else task
    logs.ensure_log_group(group)
    logs.create_log_stream(group, stream)

    def put(events: list[dict[str, Any]]) -> None:
        # A group that somebody has deleted meanwhile takes no lines, and its task runs on.
        with suppress(ResourceNotFoundException):
            logs.put_log_events(group, stream, events)

    return put


def _options(container: dict[str, Any]) -> dict[str, str]:
    configured = container.get("logConfiguration") or {}
    options: dict[str, str] = configured.get("options") or {}
    return options if configured.get("logDriver") == "awslogs" else {}


class LogDriver:
    """Reads what a process writes until it ends, and puts it by the batch."""

    def __init__(
        self, process: subprocess.Popen[bytes], put: Put, *, seconds: float = FLUSH_SECONDS
    ) -> None:
        assert process.stdout is not None
        self._pipe, self._put, self._seconds = process.stdout, put, seconds
        self._part = b""
        self._events: list[dict[str, Any]] = []
        self._bytes = 0
        self._thread = threading.Thread(target=self._run, name="a log driver", daemon=True)
        self._thread.start()

    def wait(self, seconds: float = 10.0) -> None:
        """Until all is sent of a process that has ended."""
        self._thread.join(seconds)

    def _run(self) -> None:
        due = time.monotonic() + self._seconds
        with self._pipe:
            while True:
                ready, _, _ = select.select([self._pipe], [], [], max(0.0, due - time.monotonic()))
                if ready:
                    chunk = os.read(self._pipe.fileno(), 65_536)
                    if not chunk:
                        self._take(b"\n" if self._part else b"")
                        break
                    self._take(chunk)
                if time.monotonic() >= due:
                    due += self._seconds
                    self._flush()
        self._flush()

    def _take(self, chunk: bytes) -> None:
        *lines, self._part = (self._part + chunk).split(b"\n")
        now = int(time.time() * 1000)
        for line in lines:
            size = len(line) + BYTES_PER_LINE
            if len(self._events) == MOST_LINES or self._bytes + size > MOST_BYTES:
                self._flush()
            self._events.append({"timestamp": now, "message": line.decode(errors="replace")})
            self._bytes += size

    def _flush(self) -> None:
        events, self._events, self._bytes = self._events, [], 0
        if events:
            self._put(events)
