"""Many: a virtual clock for many threads at once, of which one runs while the others wait.

They run in the order of the moments that they wait for, and those of one moment in the order in
which they began to wait. So what a thousand of them do can be repeated.
"""

import heapq
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.clock import VirtualClock

LOOK_SECONDS = 0.25
"""How late it may be noticed that what somebody waits for has come true."""


@dataclass(order=True)
class Turn:
    """Of a thread that waits, or of an action that is due. Whoever has its turn runs alone."""

    moment: datetime
    number: int
    condition: Callable[[], bool] | None = field(default=None, compare=False)
    action: Callable[[], None] | None = field(default=None, compare=False)
    gate: threading.Lock = field(default_factory=threading.Lock, compare=False)
    over: bool = field(default=False, compare=False)


class BatonClock(VirtualClock):
    """Time passes only when everybody waits. Who waits on the clock hands the baton on.

    The thread that makes the clock has it first. A thread that starts another and waits for its end
    is one with it: whichever of the two waits on the clock waits for both. All others are started
    by `after`, each action on a thread of its own, which begins when it is its turn.
    """

    def reset(self) -> None:
        super().reset()
        self.failures: list[BaseException] = []
        self._turns: list[Turn] = []
        self._watching: dict[int, Turn] = {}
        self._looked = self.time

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        self._push(Turn(self._in(seconds), next(self._number), action=action))

    def sleep(self, seconds: float) -> None:
        self._wait(Turn(self._in(seconds), next(self._number)))

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> None:
        if not condition():
            self._wait(Turn(self._in(seconds), next(self._number), condition))

    def _in(self, seconds: float) -> datetime:
        return self.time + timedelta(seconds=max(0.0, seconds))

    def _push(self, turn: Turn) -> None:
        heapq.heappush(self._turns, turn)
        if turn.condition is not None:
            self._watching[turn.number] = turn

    def _wait(self, turn: Turn) -> None:
        turn.gate.acquire()
        self._push(turn)
        self._hand_on()
        turn.gate.acquire()

    def _hand_on(self) -> None:
        turn = self._next()
        if turn.action is None:
            turn.gate.release()
        else:
            threading.Thread(target=self._run, args=(turn.action,), daemon=True).start()

    def _run(self, action: Callable[[], None]) -> None:
        try:
            action()
        except BaseException as failure:
            self.failures.append(failure)
        self._hand_on()

    def _next(self) -> Turn:
        while self._turns[0].over:
            heapq.heappop(self._turns)
        turn = self._turns[0]
        woken = self._woken(turn.moment) if turn.moment > self.time else None
        if woken is None:
            heapq.heappop(self._turns)
            self.time = max(self.time, turn.moment)
        else:
            turn = woken
        turn.over = True
        self._watching.pop(turn.number, None)
        return turn

    def _woken(self, until: datetime) -> Turn | None:
        """Of those whose condition has come true before time passes, the one that waited first."""
        if (until - self._looked).total_seconds() < LOOK_SECONDS:
            return None
        for turn in self._watching.values():
            if turn.condition is not None and turn.condition():
                return turn
        self._looked = self.time
        return None
