"""Watching: follow an execution until it ends, whoever started it."""

import json
import time
from typing import Any

from pydantic import ValidationError

from stepcanary.domain.patience import LONGEST_TURN_SECONDS
from stepcanary.domain.picture import Picture
from stepcanary_cli.connecting import Connection
from stepcanary_cli.failures import Failure, Interrupted, Lost, Misuse, Refused
from stepcanary_cli.outcomes import EXITS, Answer, Ended, ended
from stepcanary_cli.scene import Queued, Shown
from stepcanary_cli.views import View

LOOK_SECONDS = 2.0
MOST_LOOKS = 5
"""So many looks are left out at most, where nothing is due for long: a revert may come at any
time."""
TICK_SECONDS = 1.0
AFTER_SECONDS = 300.0
"""How long it is seen what becomes of the traffic of an execution that was stopped."""
ALIVE = ("RUNNING", "PENDING_REDRIVE")


def until_over(connection: Connection, execution: str) -> Ended:
    """How an execution ended, which is over soon."""
    while True:
        described = connection.describe(execution)
        if described["status"] not in ALIVE:
            return ended(described)
        time.sleep(LOOK_SECONDS / 2)


class Watch:
    """Of one execution, by the picture of its release."""

    def __init__(self, connection: Connection, execution: str, view: View) -> None:
        self._connection, self.execution, self._view = connection, execution, view
        self._service = "SERVICE"
        self._sees = True
        """Whether the stack answers what the release is like."""

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
        finally:
            self._view.end()

    def _until_end(self, *, until_gate: bool) -> Ended:
        while True:
            described = self._connection.describe(self.execution)
            self._service = service_of(described)
            is_over = described["status"] not in ALIVE
            shown = self._look(is_over=is_over)
            if shown is not None:
                self._view.show(shown)
            if is_over:
                return self._ended(described, shown)
            waits = shown.waiting if isinstance(shown, Picture) else None
            if until_gate and waits is not None and waits.is_for_a_person:
                return Ended(self.execution, "Waiting", f"{waits.kind}: it waits for a person")
            self._rest(_pause(shown))

    def _look(self, *, is_over: bool) -> Shown | None:
        """None where the stack does not say, or where nothing was begun and nothing will be."""
        if not self._sees:
            return None
        try:
            found = self._connection.ask({"question": "show", "release": self.execution})
            if found.get("picture"):
                return Picture.model_validate(found["picture"], extra="ignore", strict=False)
            why = "the stack is older than this command"
        except Refused:
            return None if is_over else self._queued()
        except Lost:
            raise
        except ValidationError:
            why = "the stack is of another version than this command"
        except Failure as failure:
            why = str(failure)
        self._sees = False
        self._view.note(f"how the release stands cannot be seen: {why}; its end will be told")
        return None

    def _queued(self) -> Queued:
        """The ledger has no document of it yet."""
        planned = Queued(self._service, self.execution, "it is being planned")
        try:
            status = self._connection.ask({"question": "status", "service": self._service})
        except (Refused, Misuse):
            # Its profile may be in its request alone, and its service in a build's file.
            return planned
        mine = [each for each in status["waiting"] if each["execution"] == self.execution]
        if not mine:
            return planned
        since = mine[0]["since"]
        if not mine[0].get("split"):
            why = "it waits to begin: another release was started just before"
            return Queued(self._service, self.execution, why, since, None, ("withdraw",))
        ahead = [each["execution"].rpartition(":")[2] for each in status["running"]]
        why = f"it waits for its turn{f', behind {ahead[0]}' if ahead else ''}"
        until = since + LONGEST_TURN_SECONDS
        return Queued(self._service, self.execution, why, since, until, ("withdraw",))

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, TICK_SECONDS))
            self._view.tick()

    def _ended(self, described: Answer, shown: Shown | None) -> Ended:
        found = ended(described)
        if found.outcome in EXITS or not isinstance(shown, Picture):
            return found
        until = time.monotonic() + AFTER_SECONDS
        while isinstance(shown, Picture) and shown.phase != "over" and time.monotonic() < until:
            self._rest(LOOK_SECONDS)
            shown = self._look(is_over=True)
            if shown is not None:
                self._view.show(shown)
        return Ended(found.execution, found.outcome, f"{found.cause}. {_what_became(shown)}")


def _what_became(shown: Shown | None) -> str:
    """Of the traffic of an execution that was stopped."""
    if isinstance(shown, Picture) and shown.phase == "over":
        return f"Its release ended {shown.outcome}: {shown.cause}"
    routes = shown.routes if isinstance(shown, Picture) else {}
    where = "; ".join(f"{route} is at {weights}" for route, weights in routes.items())
    return f"Its traffic has not returned yet{f': {where}' if where else ''}; see docs/runbook.md"


def _pause(shown: Shown | None) -> float:
    """A twentieth of what is left of a wait: who looks often sees no more of it."""
    if not isinstance(shown, Picture) or shown.waiting is None:
        return LOOK_SECONDS
    left = (shown.waiting.until - shown.drawn_at) / 1_000
    return max(LOOK_SECONDS, min(MOST_LOOKS * LOOK_SECONDS, left / 20))


def service_of(described: Answer) -> str:
    """What the execution is about; a placeholder where its input is a build's file."""
    try:
        found: Any = json.loads(described["input"])["service"]
    except (KeyError, TypeError, ValueError):
        return "SERVICE"
    return str(found)
