"""Watching: follow an execution until it ends, whoever started it."""

import json
import time
from collections.abc import Callable
from typing import Any

from stepcanary_cli.connecting import Connection
from stepcanary_cli.failures import Interrupted, Lost
from stepcanary_cli.history import Line, Reader
from stepcanary_cli.outcomes import Answer, Ended, ended

LOOK_SECONDS = 1.0
ALIVE = ("RUNNING", "PENDING_REDRIVE")
EVENTS_PER_PAGE = 100


class Watch:
    """Of one execution. `say` is told each state as it is entered."""

    def __init__(self, connection: Connection, execution: str, say: Callable[[str], None]) -> None:
        self._connection, self.execution, self._say = connection, execution, say
        self._reader = Reader()
        self._last, self._service = 0, "SERVICE"

    def until_end(self, *, until_gate: bool = False) -> Ended:
        """How it ended; with `until_gate`, also that it waits for a person. Raises `Lost` with the
        command that goes on, and `Interrupted` likewise."""
        try:
            return self._until_end(until_gate=until_gate)
        except Lost as lost:
            raise Lost(
                f"{lost}. What was started goes on; watch it with"
                f" `stepcanary watch {self.execution}`"
            ) from lost
        except KeyboardInterrupt as interrupted:
            raise Interrupted(
                f"what was started goes on; `stepcanary watch {self._service}` shows it, and"
                f" `stepcanary revert {self._service}` takes the traffic back"
            ) from interrupted

    def _until_end(self, *, until_gate: bool) -> Ended:
        while True:
            described = self._connection.describe(self.execution)
            self._service = service_of(described)
            lines = list(self._reader.read(self._new_events()))
            for line in lines:
                self._say(_text_of(line))
            if described["status"] not in ALIVE:
                return ended(described)
            if lines and lines[-1].is_gate:
                self._say(
                    f"          it waits for a person: stepcanary promote|revert {self._service}"
                )
                if until_gate:
                    return Ended(self.execution, "Waiting", f"{lines[-1].state}: it waits")
            time.sleep(LOOK_SECONDS)

    def _new_events(self) -> list[dict[str, Any]]:
        """Those since the last look, in their order."""
        found = self._connection.call(self._read_back)
        if found:
            self._last = found[0]["id"]
        return list(reversed(found))

    def _read_back(self) -> list[dict[str, Any]]:
        pages = self._connection.sfn.get_paginator("get_execution_history").paginate(
            executionArn=self.execution,
            reverseOrder=True,
            PaginationConfig={"PageSize": EVENTS_PER_PAGE},
        )
        found: list[dict[str, Any]] = []
        for page in pages:
            for event in page["events"]:
                if event["id"] <= self._last:
                    return found
                found.append(event)
        return found


def _text_of(line: Line) -> str:
    weight = "" if line.weight is None else f"canary {line.weight} %"
    return f"{line.at:%H:%M:%S}  {line.state:<18} {weight}".rstrip()


def service_of(described: Answer) -> str:
    """What the execution is about; a placeholder where its input is a build's file."""
    try:
        return str(json.loads(described["input"])["service"])
    except (KeyError, TypeError, ValueError):
        return "SERVICE"
